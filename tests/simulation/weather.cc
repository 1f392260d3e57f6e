#include "tests/simulation/weather.h"

#include <array>

namespace auditferry::simulation {
namespace {

constexpr std::array<const char*, 3> logs = {"audit", "device", "okta"};

bool chance(Random& random, std::uint64_t one_in) { return random.below(one_in) == 0; }

Fault portal_fault(FaultKind kind, Random& random) {
  Fault fault;
  fault.kind = kind;
  switch (kind) {
    case FaultKind::status: {
      constexpr std::array<int, 6> statuses = {500, 502, 503, 408, 401, 404};
      fault.status = statuses[random.below(statuses.size())];
      break;
    }
    case FaultKind::rate_limited: {
      const auto seconds = static_cast<std::int64_t>(1 + random.below(90));
      fault = rate_limit_fault(std::chrono::seconds(seconds));
      if (chance(random, 3)) fault.retry_after = "date:" + std::to_string(seconds);
      if (chance(random, 4)) fault.retry_after.clear();
      break;
    }
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
    one.fault = portal_fault(kind, random);
    faults.random.push_back(std::move(one));
  }
  world.portal->set_faults(std::move(faults));
  SandboxCursors cursors;
  cursors.expired = static_cast<SandboxExpiredCursor>(random.below(4));
  if (chance(random, 3)) cursors.uses = static_cast<std::uint32_t>(1 + random.below(4));
  if (chance(random, 6)) cursors.lifetime = std::chrono::seconds(5 + random.below(60));
  if (cursors.uses > 0 || cursors.lifetime.count() > 0) {
    constexpr std::array<const char*, 4> disguises = {"status 400", "empty page", "first page", "same cursor"};
    world.trace.hit(std::string("cursors expire: ") + disguises[static_cast<std::size_t>(cursors.expired)]);
  }
  world.portal->set_cursors(cursors);
  if (chance(random, 6)) world.portal->expire_cursors();
  world.unreachable = chance(random, 8);
  world.latency = std::chrono::milliseconds(chance(random, 3) ? 5000 : 40);
}

void spoil_the_disks(World& world) {
  Random& random = world.random;
  world.slowest_disk = std::chrono::milliseconds(chance(random, 4) ? 3000 : 4);
  if (chance(random, 4)) {
    constexpr std::array<FaultySqlite::Fault, 3> faults = {FaultySqlite::Fault::io_error, FaultySqlite::Fault::full, FaultySqlite::Fault::busy};
    constexpr std::array<const char*, 3> names = {"journal: I/O error", "journal: disk full", "journal: busy"};
    const std::uint64_t which = random.below(faults.size());
    world.sqlite.fail_at(1 + random.below(4000), faults[which]);
    world.trace.hit(names[which]);
  }
  if (chance(random, 4)) {
    world.files.fail_at(1 + random.below(60), chance(random, 2) ? ErrorKind::io : ErrorKind::no_space);
    world.trace.hit("file: an error");
  }
  if (chance(random, 7)) {
    world.set_disk(random.below(40'000));
    world.trace.hit("file: disk full");
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
  world.loop.clock().jump_wall(ahead ? by : -by);
  world.trace.hit(ahead ? "clock jumps ahead" : "clock jumps back");
}

}  // namespace

const std::vector<std::string>& all_fault_kinds() {
  static const std::vector<std::string> kinds = [] {
    std::vector<std::string> all = {
        "portal unreachable", "cursors expire: status 400", "cursors expire: empty page", "cursors expire: first page",
        "cursors expire: same cursor", "journal: I/O error", "journal: disk full", "journal: busy", "file: an error", "file: disk full",
        "clock jumps ahead", "clock jumps back", "death at an await", "death at a storage call", "death at a file call", "process death",
        "power loss", "power loss with torn writes", "sink poison", "sink refused batch", "long stop", "stop beyond retention", "late records",
        "records too late", "same-second pile", "exporter added", "exporter removed", "exporter brought back", "exporter renamed",
        "query changed", "page size changed", "restart in order"};
    for (int mood = 0; mood < mood_count; ++mood) all.push_back(std::string("sink ") + name_of(static_cast<Mood>(mood)));
    for (const FaultKind kind : portal_kinds) all.push_back(std::string("portal: ") + to_string(kind));
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
  world.loop.clock().jump_wall(world.portal_time() - world.loop.clock().now());
}

void let_records_come(World& world, Duration duration) {
  Random& random = world.random;
  const WallTime now = world.portal_time();
  for (const char* log : logs) {
    const std::uint64_t count = random.below(40);
    if (count > 0) world.portal->make(log, count, now, now + duration);
    if (chance(random, 4)) {
      const WallTime at = now + random.jitter(duration);
      world.portal->make(log, 5 + random.below(60), at, at);
      world.trace.hit("same-second pile");
    }
    if (chance(random, 3)) {
      // Late, but within what the overlap covers; each of them appears while nobody expects it.
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        const WallTime appears = now + random.jitter(duration);
        world.portal->add(log, appears - random.jitter(overlap / 2 - std::chrono::seconds(20)), {}, appears);
        world.trace.hit("late records");
      }
    }
    if (chance(random, 6)) {
      const WallTime appears = now + random.jitter(duration);
      world.portal->add(log, appears - overlap - random.jitter(std::chrono::hours(1)), {}, appears);
      world.trace.hit("records too late");
    }
  }
}

}  // namespace auditferry::simulation
