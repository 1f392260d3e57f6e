#include "tests/simulation/weather.h"

#include <array>
#include <cstdlib>

namespace auditferry::simulation {
namespace {

constexpr std::uint64_t smallest_pile = 5;
constexpr const char* another_shape = "JSON of another shape";
constexpr const char* limit_as_403 = "403 as a limit";

bool chance(Random& random, std::uint64_t one_in) { return random.below(one_in) == 0; }

// An answer of this kind carries its name to World::Link, which counts those that arrive.
Fault named(Fault fault, const std::string& name) {
  fault.headers.push_back({fault_header, name});
  return fault;
}

constexpr std::array<int, 10> statuses = {500, 502, 503, 408, 400, 401, 403, 404, 410, 302};

Fault strange_answer(Random& random) {
  const std::uint64_t drawn = random.below(statuses.size() + 2);
  if (drawn == statuses.size()) {
    Fault shape = status_fault(200);
    shape.body = chance(random, 2) ? R"({"entries":[],"next":null})" : "[" + std::string(made_up_record) + "]";
    return named(shape, another_shape);
  }
  if (drawn > statuses.size()) {
    // A limit for GitHub's profile, a refusal for the others.
    Fault limit = status_fault(403);
    limit.headers.push_back({"X-RateLimit-Remaining", "0"});
    if (chance(random, 2)) limit.retry_after = std::to_string(1 + random.below(60));
    return named(limit, limit_as_403);
  }
  return named(status_fault(statuses[drawn]), "status " + std::to_string(statuses[drawn]));
}

Fault limited_answer(Random& random) {
  const auto seconds = static_cast<std::int64_t>(1 + random.below(90));
  Fault fault = rate_limit_fault(std::chrono::seconds(seconds));
  switch (random.below(6)) {
    case 0: fault.retry_after.clear(); return named(fault, "no Retry-After");
    case 1:
    case 2: fault.retry_after = "date:" + std::to_string(seconds); return named(fault, "Retry-After as a date");
    case 3: {
      constexpr std::array<const char*, 6> absurd = {"99999999999999999999", "-7", "soon", "1e9", "date:-3600", "date:315360000"};
      fault.retry_after = absurd[random.below(absurd.size())];
      return named(fault, "absurd Retry-After");
    }
    default: return fault;
  }
}

Fault portal_fault(FaultKind kind, Random& random) {
  Fault fault;
  fault.kind = kind;
  switch (kind) {
    case FaultKind::status: return strange_answer(random);
    case FaultKind::rate_limited: return limited_answer(random);
    case FaultKind::cut:
    case FaultKind::reset:
    case FaultKind::half_close:
    case FaultKind::truncated: fault.bytes = 1 + random.below(3000); break;
    case FaultKind::delay: fault.delay = std::chrono::seconds(1 + random.below(90)); break;
    case FaultKind::trickle: fault.bytes = 20 + random.below(200); break;
    case FaultKind::huge_body: fault.bytes = 3u << 20; break;
    case FaultKind::deep_nesting: fault.bytes = 2000; break;
    default: break;
  }
  return fault;
}

constexpr std::array<FaultKind, 20> portal_kinds = {
    FaultKind::status,    FaultKind::rate_limited, FaultKind::success_false,     FaultKind::html,         FaultKind::empty_body,
    FaultKind::truncated, FaultKind::cut,          FaultKind::reset,             FaultKind::half_close,   FaultKind::refuse,
    FaultKind::malformed, FaultKind::invalid_utf8, FaultKind::control_character, FaultKind::deep_nesting, FaultKind::huge_body,
    FaultKind::trickle,   FaultKind::delay,        FaultKind::hang,              FaultKind::gzip,         FaultKind::expire_cursors};

void spoil_the_portal(World& world) {
  Random& random = world.random;
  Faults faults;
  faults.seed = random.next();
  const std::uint64_t kinds = random.below(4);
  for (std::uint64_t i = 0; i < kinds; ++i) {
    const FaultKind kind = portal_kinds[random.below(portal_kinds.size())];
    RandomFault one;
    if (chance(random, 2)) one.target = logs[random.below(logs.size())];
    constexpr std::array<double, 4> rates = {0.03, 0.1, 0.4, 1.0};
    one.rate = rates[random.below(rates.size())];
    // The answers with a status of their own are many kinds in one.
    const bool several = kind == FaultKind::status || kind == FaultKind::rate_limited;
    const double share = several ? 0.25 : 1;
    one.rate *= share;
    for (int n = several ? 4 : 1; n > 0; --n) {
      one.fault = portal_fault(kind, random);
      faults.random.push_back(one);
    }
  }
  world.portal->set_faults(std::move(faults));
  SandboxCursors cursors;
  cursors.expired = static_cast<SandboxExpiredCursor>(random.below(4));
  if (chance(random, 3)) cursors.uses = static_cast<std::uint32_t>(1 + random.below(4));
  if (chance(random, 6)) cursors.lifetime = std::chrono::seconds(5 + random.below(60));
  world.portal->set_cursors(cursors);
  if (chance(random, 6)) world.portal->expire_cursors();
  world.portal->set_plan(sandbox_tenant, chance(random, 10) ? "TEAM" : "ENTERPRISE");
  Duration offset{};
  if (chance(random, 8)) {
    // Where this machine's clock is ahead, a portal's that is ahead, too, would leave nothing to tell the time by.
    const bool ahead = chance(random, 2) && world.clock_offset() <= Duration::zero();
    const Duration by = std::chrono::seconds(1 + random.below(chance(random, 2) ? 7200 : 30));
    offset = ahead ? by : -by;
  }
  world.set_date_offset(offset);
  world.unreachable = chance(random, 8);
  world.latency = std::chrono::milliseconds(chance(random, 3) ? 5000 : 40);
}

void spoil_the_disks(World& world) {
  Random& random = world.random;
  world.slowest_disk = std::chrono::milliseconds(chance(random, 4) ? 3000 : 4);
  if (chance(random, 4)) {
    constexpr std::array<FaultySqlite::Fault, 3> faults = {FaultySqlite::Fault::io_error, FaultySqlite::Fault::full, FaultySqlite::Fault::busy};
    world.sqlite.fail_at(1 + random.below(4000), faults[random.below(faults.size())]);
  }
  if (chance(random, 4)) world.files.fail_at(1 + random.below(60), chance(random, 2) ? ErrorKind::io : ErrorKind::no_space);
  if (chance(random, 7)) {
    world.set_disk(random.below(40'000));
  } else {
    world.set_disk(std::nullopt);
  }
}

void arm_death(World& world) {
  Random& random = world.random;
  if (!chance(random, 3)) return;
  switch (random.below(3)) {
    case 0: world.die_after_steps = 1 + random.below(6000); break;
    case 1: world.sqlite.crash_at(1 + random.below(4000)); break;
    default: world.files.crash_at(1 + random.below(120)); break;
  }
}

void move_the_clock(World& world) {
  Random& random = world.random;
  if (!chance(random, 8)) return;
  const bool ahead = chance(random, 2);
  const Duration by = std::chrono::seconds(1 + random.below(chance(random, 2) ? 7200 : 30));
  world.jump_clock(ahead ? by : -by);
  if (world.clock_offset() > Duration::zero() && world.date_offset > Duration::zero()) world.set_date_offset({});
  world.trace.hit(ahead ? "clock jumps ahead" : "clock jumps back");
}

}  // namespace

const std::vector<std::string>& all_fault_kinds() {
  static const std::vector<std::string> kinds = [] {
    std::vector<std::string> all = {
        "portal unreachable", "cursors expire: status 400", "cursors expire: empty page", "cursors expire: first page",
        "cursors expire: same cursor", "journal: I/O error", "journal: disk full", "journal: busy", "journal: disk full for long",
        "file: an error", "file: disk full", "portal: plan gate", "portal: Date is behind", "portal: Date is ahead",
        "portal: no Retry-After", "portal: Retry-After as a date", "portal: absurd Retry-After",
        "clock jumps ahead", "clock jumps back", "death at an await", "death at a storage call", "death at a file call", "process death",
        "power loss", "power loss with torn writes", "sink poison", "sink refused batch", "long stop", "stop beyond retention", "late records",
        "records too late", "same-second pile", "record changed", "late record counted", "sink knows the id", "sink http", "sink elasticsearch", "sink splunk_hec", "exporter added", "exporter removed", "exporter brought back", "exporter renamed",
        "query changed", "page size changed", "restart in order"};
    for (int mood = 0; mood < mood_count; ++mood) all.push_back(std::string("sink ") + name_of(static_cast<Mood>(mood)));
    for (const FaultKind kind : portal_kinds) all.push_back(std::string("portal: ") + to_string(kind));
    for (const int status : statuses) all.push_back("portal: status " + std::to_string(status));
    for (const char* name : {another_shape, limit_as_403}) all.push_back(std::string("portal: ") + name);
    for (const char* paging : {"cursor", "offset", "page"}) all.push_back(std::string("paging: ") + paging);
    all.push_back("paging: link");
    return all;
  }();
  return kinds;
}

void change_weather(World& world) {
  spoil_the_portal(world);
  spoil_the_disks(world);
  for (auto& [name, far_end] : world.far_ends) {
    far_end.mood = world.random.below(2) == 0 ? Mood::good : static_cast<Mood>(world.random.below(mood_count));
  }
  move_the_clock(world);
  arm_death(world);
}

void calm_weather(World& world) {
  world.portal->set_faults({});
  world.portal->set_cursors({});
  world.portal->end_penalties();
  world.portal->set_plan(sandbox_tenant, "ENTERPRISE");
  world.set_date_offset({});
  world.unreachable = false;
  world.latency = std::chrono::milliseconds(20);
  world.slowest_disk = std::chrono::milliseconds(4);
  world.sqlite.repair();
  world.sqlite.crash_at(std::uint64_t{1} << 50);
  world.set_disk(std::nullopt);
  world.files.fail_at(std::uint64_t{1} << 50, ErrorKind::io);
  world.files.crash_at(std::uint64_t{1} << 50);
  world.die_after_steps = 0;
  for (auto& [name, far_end] : world.far_ends) far_end.mood = Mood::good;
  world.jump_clock(-world.clock_offset());
}

namespace {

// How the request asks for another page than the first; nothing: it does not.
const char* paging_of(const SeenRequest& request) {
  if (request.target.find("after=") != std::string::npos) return "link";
  if (request.body.find("\"cursor\":\"") != std::string::npos) return "cursor";
  for (const char* name : {"offset", "page"}) {
    const std::string key = std::string("\"") + name + "\":";
    const std::size_t at = request.body.find(key);
    if (at != std::string::npos && std::strtoull(request.body.c_str() + at + key.size(), nullptr, 10) > 1) return name;
  }
  return nullptr;
}

}  // namespace

void count_faults(World& world) {
  auto count = [&world](const std::string& kind, std::uint64_t times) {
    if (times > 0) world.trace.hit(kind, times);
  };
  const PortalStats stats = world.portal->stats();
  for (const auto& [kind, times] : stats.faults) count("portal: " + kind, times);
  constexpr std::array<const char*, 4> disguises = {"status 400", "empty page", "first page", "same cursor"};
  for (const auto& [disguise, times] : stats.expired_cursors) count(std::string("cursors expire: ") + disguises[static_cast<std::size_t>(disguise)], times);
  count("journal: I/O error", world.sqlite.failures(FaultySqlite::Fault::io_error));
  count("journal: disk full", world.sqlite.failures(FaultySqlite::Fault::full));
  count("journal: busy", world.sqlite.failures(FaultySqlite::Fault::busy));
  count("journal: disk full for long", world.sqlite.writes_without_room());
  count("file: an error", world.files.failures());
  count("file: disk full", world.files.writes_without_room());
  for (const SeenRequest& request : world.portal->seen_requests()) {
    if (const char* paging = paging_of(request)) count(std::string("paging: ") + paging, 1);
  }
  for (const char* log : logs) {
    std::map<WallTime, std::uint64_t> by_time;
    for (const RecordInfo& record : world.portal->all_records(log)) {
      ++by_time[record.created];
      const Duration lateness = record.first_visible - record.created;
      if (lateness > overlap) count("records too late", 1);
      else if (lateness > std::chrono::seconds(1)) count("late records", 1);
    }
    for (const auto& [time, records] : by_time) count("same-second pile", records >= smallest_pile ? 1 : 0);
  }
}

namespace {

// One or two of a log, which it has just shown or is about to be asked for: it keeps id and time and says something else.
// So few that a page's ids are not taken for no ids at all (storage/page_intake.cc).
void change_records(World& world, const char* log) {
  Random& random = world.random;
  const WallTime now = world.portal_time();
  std::vector<RecordInfo> young;
  for (RecordInfo& record : world.portal->all_records(log)) {
    if (now - record.created < overlap / 2 - std::chrono::seconds(20)) young.push_back(std::move(record));
  }
  for (std::uint64_t i = 1 + random.below(2); i > 0 && !young.empty(); --i) {
    const RecordInfo& record = young[random.below(young.size())];
    world.change(log, record);
  }
}

}  // namespace

void let_records_come(World& world, Duration duration) {
  Random& random = world.random;
  const WallTime now = world.portal_time();
  for (const char* log : logs) {
    const std::uint64_t count = random.below(40);
    if (count > 0) world.portal->make(log, count, now, now + duration);
    if (chance(random, 4)) {
      const WallTime at = now + random.jitter(duration);
      world.portal->make(log, smallest_pile + random.below(60), at, at);
    }
    if (chance(random, 3)) {
      // Late, but within what the overlap covers; each of them appears while nobody expects it.
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        const WallTime appears = now + random.jitter(duration);
        world.portal->add(log, appears - random.jitter(overlap / 2 - std::chrono::seconds(20)), {}, appears);
      }
    }
    if (chance(random, 6)) {
      const WallTime appears = now + random.jitter(duration);
      world.portal->add(log, appears - overlap - random.jitter(std::chrono::hours(1)), {}, appears);
    }
    if (chance(random, 3)) change_records(world, log);
  }
}

}  // namespace auditferry::simulation
