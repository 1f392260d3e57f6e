#include "tests/simulation/world.h"

#include "core/check.h"
#include "daemon/portal_session.h"
#include "encoding/retry_after.h"
#include "encoding/time_format.h"
#include "sandbox/portal_client.h"
#include "sources/request_builder.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"
#include "tests/simulation/far_http.h"

namespace auditferry::simulation {
namespace {

constexpr Duration longest_end = std::chrono::minutes(30);

// As in the settings of each source (configuration.cc).
constexpr Duration longest_wait = std::chrono::minutes(20);

PortalOptions portal_options(Random& random, const Configuration& configuration) {
  PortalOptions options;
  options.seed = random.next();
  options.page_limit = 60;
  SandboxDialect& dialect = options.dialect;
  dialect.order_by_event = random.below(4) == 0;
  dialect.paging = configuration.paging;
  dialect.first_page = configuration.first_page;
  dialect.last_page = random.below(2) == 0 ? SandboxLastPage::exact : SandboxLastPage::when_full;
  dialect.cursor_end = static_cast<SandboxCursorEnd>(random.below(3));
  dialect.exclusive_start = random.below(5) == 0;
  dialect.exclusive_end = random.below(5) == 0;
  if (random.below(3) == 0) {
    options.rate_limit.requests = 120;
    options.rate_limit.say_retry_after = random.below(2) == 0;
  }
  for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device, SandboxLog::okta, SandboxLog::github}) options.streams[log] = {};
  return options;
}

std::string authorization_of(const HttpRequest& request) {
  for (const HttpHeader& header : request.headers) {
    if (header.name == "Authorization") return header.value;
  }
  return "";
}

// Of the vendors whose logs are arrays of records.
bool asks_vendor(const std::string& url, std::string_view vendor) { return url.find(vendor == "okta" ? "/api/v1/logs" : "/audit-log") != std::string::npos; }

// How long an answer asks to wait, where it says so in plain words; nothing: it does not.
std::optional<Duration> wait_asked_by(const HttpRequest& request, const HttpResponse& response, WallTime now) {
  const bool github = request.url.find("/orgs/") != std::string::npos;
  const bool limit_as_403 = response.status == 403 && github && response.header("X-RateLimit-Remaining").value_or("") == "0";
  if (response.status != 429 && response.status != 503 && !limit_as_403) return std::nullopt;
  const std::optional<Duration> wait = retry_after(response, now);
  return wait ? std::optional(std::min<Duration>(*wait, longest_wait)) : std::nullopt;
}

}  // namespace

// The way to the portal: nothing leaves a process that is dead.
class World::Link final : public HttpClient {
 public:
  explicit Link(World& world) : world_(world), client_(*world.portal, world.loop.clock()) {}
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    if (world_.dead_) co_return Error{ErrorKind::connect, "the process is dead"};
    check_limit(request);
    client_.set_unreachable(world_.unreachable);
    client_.set_latency(world_.random.jitter(world_.latency));
    if (world_.unreachable) world_.trace.hit("portal unreachable");
    const std::string asked = request.method + " " + request.url + " " + request.body;
    HttpRequest sent = request;
    Result<HttpResponse> response = co_await client_.send(std::move(request));
    if (response.ok() && !world_.dead_) {
      ++world_.answers;
      note(sent, *response);
    }
    world_.trace.note(asked + " -> " + (response.ok() ? std::to_string(response->status) + " " + std::to_string(response->body.size()) : response.error().message));
    co_return response;
  }

 private:
  void check_limit(const HttpRequest& request) {
    const auto found = world_.limits_.find(authorization_of(request));
    if (found == world_.limits_.end()) return;
    const Duration now = world_.loop.clock().slept();
    // What was on its way when the answer came may still go out in the same moment.
    if (now <= found->second.since || now >= found->second.until) return;
    world_.complain("a request went out " + std::to_string(std::chrono::ceil<std::chrono::milliseconds>(found->second.until - now).count()) +
                    " ms before the end of the wait that the portal had asked for: " + request.url);
  }
  void note(const HttpRequest& request, const HttpResponse& response) {
    Trace& trace = world_.trace;
    if (const auto fault = response.header(fault_header)) trace.hit("portal: " + std::string(*fault));
    if (response.status == 403 && response.body.find("ENTERPRISE plan") != std::string::npos) trace.hit("portal: plan gate");
    if (world_.date_offset != Duration::zero()) trace.hit(world_.date_offset > Duration::zero() ? "portal: Date is ahead" : "portal: Date is behind");
    if (response.body == "[" + std::string(made_up_record) + "]") {
      for (const char* vendor : {"okta", "github"}) {
        if (asks_vendor(request.url, vendor)) world_.made_up_for.insert(vendor);
      }
    }
    const std::optional<Duration> wait = wait_asked_by(request, response, world_.loop.clock().now());
    if (!wait) return;
    const Duration now = world_.loop.clock().slept();
    Limit& limit = world_.limits_.try_emplace(authorization_of(request)).first->second;
    limit = {now, std::max(limit.until, now + *wait)};
  }

  World& world_;
  PortalHttpClient client_;
};

World::World(std::uint64_t seed, bool loud)
    : trace(loop.clock()),
      random(seed),
      base_(loop.clock().now()),
      storage_thread_(loop, random, slowest_disk) {
  trace.set_loud(loud);
  trace.leave_out(folder_.path());
  fix_epoch();
  configuration = first_configuration(random);
  const PortalOptions options = portal_options(random, configuration);
  by_event = options.dialect.order_by_event;
  portal = std::make_unique<Portal>(options, [this] { return portal_time(); });
  clock_offsets_.emplace_back(portal_time(), Duration::zero());
}

// The one thing in a journal that the seed does not decide.
void World::fix_epoch() {
  {
    Result<std::unique_ptr<Journal>> journal = Journal::open(journal_path());
    AUDITFERRY_CHECK(journal.ok() && (*journal)->close().ok());
  }
  Database database(journal_path(), Database::Mode::create);
  database.execute("UPDATE meta SET value = '0123456789abcdef' WHERE key = 'epoch'");
}

World::~World() {
  if (program_) die("the simulation's end");
}

void World::complain(std::string what) {
  trace.note("COMPLAINT " + what);
  complaints.push_back(std::move(what));
}

void World::jump_clock(Duration by) {
  if (by == Duration::zero()) return;
  loop.clock().jump_wall(by);
  clock_offsets_.emplace_back(portal_time(), clock_offset());
}

Duration World::misled_by(WallTime begin) {
  Duration most{};
  for (std::size_t life = 0; life < lives_.size(); ++life) {
    if (lives_[life].first != begin) continue;
    const bool last = life + 1 == lives_.size();
    if ((last ? answers : lives_[life + 1].second) > lives_[life].second) continue;
    const WallTime end = last ? portal_time() : lives_[life + 1].first;
    for (std::size_t i = 0; i < clock_offsets_.size(); ++i) {
      const bool over = i + 1 < clock_offsets_.size() && clock_offsets_[i + 1].first < begin;
      if (!over && clock_offsets_[i].first <= end) most = std::max(most, clock_offsets_[i].second);
    }
  }
  return most;
}

std::vector<WallTime> World::portal_times_of(WallTime shown) {
  std::vector<WallTime> times;
  for (std::size_t i = 0; i < clock_offsets_.size(); ++i) {
    const WallTime time = shown - clock_offsets_[i].second;
    const WallTime end = i + 1 < clock_offsets_.size() ? clock_offsets_[i + 1].first : portal_time();
    if (clock_offsets_[i].first <= time && time <= end) times.push_back(time);
  }
  return times;
}

void World::set_date_offset(Duration offset) {
  date_offset = offset;
  portal->set_date_offset(offset);
}

void World::set_retention(Duration retention) {
  for (const char* log : logs) portal->set_retention(log, retention);
  retentions_.emplace_back(portal_time(), retention);
}

bool World::forgotten_at(WallTime created, WallTime when) const {
  bool forgotten = false;
  for (const auto& [since, retention] : retentions_) {
    if (since <= when) forgotten = created < when - retention;
  }
  return forgotten;
}

void World::change(const char* log, const RecordInfo& record) {
  Changed& one = changed[{log, record.id}];
  one.versions.insert(*record.json);
  if (!portal->change(log, record.id)) return;
  for (const RecordInfo& now : portal->all_records(log)) {
    if (now.id == record.id) one.versions.insert(*now.json);
  }
  one.last = portal_time();
}

FarEnd& World::far_end(const std::string& name) {
  const auto [found, is_new] = far_ends.try_emplace(name);
  FarEnd& far_end = found->second;
  if (is_new) {
    far_end.name = name;
    if (random.below(3) == 0) far_end.limits = WriteLimits{1 + static_cast<std::uint32_t>(random.below(3)), static_cast<std::uint32_t>(random.below(4))};
    far_end.names_the_poison = random.below(2) == 0;
    if (random.below(2) == 0) far_end.poison_in = 13 + random.below(40);
  }
  return far_end;
}

Surroundings World::surroundings() {
  Surroundings made{loop.executor(),
                    loop.clock(),
                    trace,
                    *program_random_,
                    files,
                    network_,
                    network_,
                    storage_thread_,
                    [this] { return std::make_unique<SlowExecutor>(loop, random, slowest_disk); },
                    [this](const PeerSettings&) { return std::make_unique<Link>(*this); }};
  made.make_exporter = [this](const ExporterSettings& settings, ExporterWorld world) -> std::unique_ptr<Exporter> {
    const SinkWorld sink{trace, random, dead_};
    if (settings.type == "file") return auditferry::make_exporter(settings, std::move(world));
    if (settings.type == "scripted") return make_scripted_sink(far_end(settings.name), sink, std::move(world));
    FarEnd& far = far_end(settings.name);
    Clock& clock = loop.clock();
    const HttpProtocol protocol = protocol_of(settings.type);
    world.make_http_client = [&far, sink, &clock, protocol](const PeerSettings&) { return make_far_http(far, sink, clock, protocol); };
    return auditferry::make_exporter(settings, std::move(world));
  };
  return made;
}

void World::set_disk(std::optional<std::uint64_t> bytes) {
  files.set_capacity(bytes);
  sqlite.set_room(bytes);
  if (disk_is_full_) note_begin(settings_of(configuration, folder_.path()));
  disk_is_full_ = bytes.has_value();
}

void World::note_begin(const Settings& settings) {
  lives_.emplace_back(portal_time(), answers);
  for (const SourceSettings& source : settings.sources) {
    for (const StreamSettings& stream : source.streams) {
      const std::string fingerprint = request_fingerprint(request_context(source, stream));
      Asked& way = asked.try_emplace(fingerprint, Asked{source.profile.vendor, stream.name, stream.query, {}}).first->second;
      way.begins.push_back(portal_time());
    }
  }
}

void World::begin() {
  dead_ = false;
  program_random_ = std::make_unique<Random>(random.next());
  const Settings settings = settings_of(configuration, folder_.path());
  note_begin(settings);
  program_ = std::make_unique<Program>(surroundings(), settings, RunOptions());
  const Status opened = program_->open(journal_path());
  if (!opened.ok()) {
    if (sqlite.crashed()) {
      trace.hit("death at start");
    } else if (!sqlite.has_failed()) {
      complain("the program does not start: " + opened.error().message);
    }
    dead_ = true;
    bury();
    return;
  }
  for (const auto& exporter : program_->exporters()) {
    const auto found = far_ends.find(exporter->settings().name);
    if (found != far_ends.end()) found->second.begin_at(exporter->deliverer().position());
  }
  take_over_limits(settings);
  program_->start();
}

bool World::check_death() {
  if (dead_) return true;
  if (die_after_steps > 0 && --die_after_steps == 0) kill("death at an await");
  if (!dead_ && sqlite.crashed()) kill("death at a storage call");
  if (!dead_ && files.crashed()) kill("death at a file call");
  return dead_;
}

void World::kill(const std::string& how) {
  dead_ = true;
  ++deaths;
  trace.hit(how);
  trace.note(how);
}

void World::die(const std::string& how) {
  kill(how);
  bury();
}

// From here on nothing that the process does has any effect.
void World::bury() {
  if (!sqlite.crashed()) sqlite.crash_at(1);
  if (!files.crashed()) files.crash_at(1);
  const bool ended = loop.finish(program_->end(), longest_end);
  if (!ended) {
    complain("a part of the program does not end when it is cancelled");
    std::fprintf(stderr, "%s", trace.tail().c_str());
    std::abort();
  }
  program_.reset();
  // Touches the disk, so that the death is noticed there, too.
  (void)files.exists("/");
  const std::uint64_t loss = random.below(3);
  const std::uint64_t seed = random.next();
  const auto sqlite_loss = static_cast<FaultySqlite::Loss>(loss);
  const auto file_loss = static_cast<FaultyFileSystem::Loss>(loss);
  // What is counted is what it came to.
  const auto worst = std::max(static_cast<int>(sqlite.restart(sqlite_loss, seed)), static_cast<int>(files.restart(file_loss, seed)));
  trace.hit(worst == 0 ? "process death" : worst == 1 ? "power loss" : "power loss with torn writes");
  die_after_steps = 0;
}

void World::run(Duration duration) {
  if (!program_) return;
  bool died = loop.run(loop.clock().slept() + duration, [this] { return check_death(); });
  if (!died) {
    observe();
    died = check_death();
  }
  if (died) bury();
}

void World::stand_still(Duration duration) { loop.run(loop.clock().slept() + duration, [] { return false; }); }

namespace {
Task<void> in_order(Program& program) {
  program.stop();
  co_await program.wait();
  co_await program.drain();
  co_await program.end();
}
}  // namespace

void World::end() {
  if (!program_) return;
  if (!loop.finish(in_order(*program_), longest_end)) {
    complain("the orderly end takes for ever");
    die("the end");
    return;
  }
  if (sqlite.crashed() || files.crashed()) {
    die("death while ending");
    return;
  }
  const Status closed = program_->close();
  if (!closed.ok() && !sqlite.has_failed() && !sqlite.crashed()) complain("the journal was not closed: " + closed.error().message);
  program_.reset();
  trace.note("ended in order");
}

namespace {
Task<void> look_into(Program& program, std::optional<JournalSnapshot>& snapshot) {
  auto look = [](Journal& journal) { return take_snapshot(journal); };
  Result<JournalSnapshot> taken = co_await program.storage().run(look);
  if (taken.ok()) snapshot = std::move(taken).value();
}

Result<std::vector<std::uint64_t>> letters_of(Journal& journal, std::int64_t exporter_id) {
  return guarded([&]() -> Result<std::vector<std::uint64_t>> {
    Statement statement(journal.database(), "SELECT seq FROM dead_letter WHERE exporter_id = ?");
    statement.query(exporter_id);
    std::vector<std::uint64_t> seqs;
    while (statement.step()) seqs.push_back(static_cast<std::uint64_t>(statement.integer(0)));
    return seqs;
  });
}

Task<void> look_at_letters(Program& program, std::int64_t exporter_id, std::vector<std::uint64_t>& letters) {
  auto look = [exporter_id](Journal& journal) { return letters_of(journal, exporter_id); };
  Result<std::vector<std::uint64_t>> found = co_await program.storage().run(look);
  if (found.ok()) letters = std::move(found).value();
}

// The header Authorization of a source's requests.
std::string authorization_of(const SourceSettings& source) {
  const Result<HttpRequest> request = build_page_request(request_context(source, source.streams.front()), PageRequest());
  return request.ok() ? authorization_of(*request) : "";
}
}  // namespace

// Waits are stored in wall time, after the answer has come: a process that begins knows those that were stored, and
// where the clock was moved meanwhile, what is left of them by it.
void World::take_over_limits(const Settings& settings) {
  std::optional<JournalSnapshot> snapshot;
  loop.finish(look_into(*program_, snapshot), std::chrono::minutes(10));
  std::map<std::string, Limit> kept;
  const Duration now = loop.clock().slept();
  for (const SourceSettings& source : settings.sources) {
    const auto limit = limits_.find(authorization_of(source));
    if (limit == limits_.end() || !snapshot) continue;
    for (const Penalty& penalty : snapshot->penalties) {
      if (penalty.credential != credential_key(source)) continue;
      const Duration left = penalty.until - loop.clock().now();
      kept[limit->first] = {now, std::min(limit->second.until, now + left)};
    }
  }
  limits_ = std::move(kept);
}

void World::observe() {
  std::optional<JournalSnapshot> snapshot;
  loop.finish(look_into(*program_, snapshot), std::chrono::minutes(10));
  if (snapshot && !sqlite.crashed()) observe(*snapshot);
}

void World::observe(const JournalSnapshot& snapshot) {
  const WallTime now = portal_time();
  for (const StreamSnapshot& stream : snapshot.streams) {
    for (const CollectionSnapshot& collection : stream.collections) {
      if (!collection.start) continue;
      Seen& known = seen.try_emplace(collection.collection_id, Seen{*collection.start, now, {}}).first->second;
      if (*collection.start > known.start)
        complain(stream.identity.stream + " began at " + format_rfc3339(known.start) + " and begins at " + format_rfc3339(*collection.start) + " now");
      // Our clock was ahead when the start was counted from it, and the portal's clock has told.
      if (*collection.start < known.start) {
        known.start = *collection.start;
        known.start_told = now;
      }
      known.coverage.emplace_back(now, collection.coverage);
    }
  }
  for (const ExporterRow& row : snapshot.exporters) {
    if (row.books.dead == letters_[row.name].size()) continue;
    std::vector<std::uint64_t> letters;
    loop.finish(look_at_letters(*program_, row.exporter_id, letters), std::chrono::minutes(10));
    check_letters(row, letters);
  }
}

// A refusal counts once the far end has taken something else since.
void World::check_letters(const ExporterRow& row, const std::vector<std::uint64_t>& letters) {
  const auto far_end = far_ends.find(row.name);
  for (const std::uint64_t seq : letters) {
    if (!letters_[row.name].insert(seq).second || far_end == far_ends.end()) continue;
    const auto refused = far_end->second.refused.find(seq);
    if (refused == far_end->second.refused.end()) {
      complain("exporter " + row.name + " has a dead letter that nobody refused: seq " + std::to_string(seq));
    } else if (far_end->second.confirmed <= refused->second) {
      complain("exporter " + row.name + " has a dead letter, seq " + std::to_string(seq) + ", and its far end has accepted nothing since it refused that");
    }
  }
}

bool World::caught_up(WallTime until, std::string& why_not) {
  std::optional<JournalSnapshot> snapshot;
  loop.finish(look_into(*program_, snapshot), std::chrono::minutes(10));
  if (!snapshot) {
    why_not = "the journal cannot be read";
    return false;
  }
  for (const auto& source : program_->sources()) {
    for (const StreamSettings& stream : source->settings().streams) {
      const std::string fingerprint = request_fingerprint(request_context(source->settings(), stream));
      bool found = false;
      for (const StreamSnapshot& known : snapshot->streams) {
        if (known.identity.vendor != source->settings().profile.vendor || known.identity.stream != stream.name) continue;
        for (const CollectionSnapshot& collection : known.collections) {
          if (collection.fingerprint != fingerprint) continue;
          why_not = source->settings().name + "/" + stream.name + " has not been shown up to now";
          if (!collection.start) return false;
          found = true;
          std::vector<CoverageInterval> settled = collection.coverage;
          for (const GapRow& gap : snapshot->gaps) {
            if (gap.collection_id == collection.collection_id && gap.range) settled.push_back({*gap.range, "gap", {}});
          }
          const std::vector<TimeRange> holes = holes_in(settled, {*collection.start, until});
          if (!holes.empty()) {
            why_not += ": nothing is known of " + format_rfc3339(holes.front().from) + " to " + format_rfc3339(holes.front().to);
            return false;
          }
          // A collection's walk under way may hold what was fetched and is not published yet.
          for (const StoredWalk& walk : collection.walks) {
            why_not = source->settings().name + "/" + stream.name + " has a walk under way: " + walk.how;
            if (walk.how == "history") return false;
          }
        }
      }
      why_not = source->settings().name + "/" + stream.name + " is not in the journal";
      if (!found) return false;
    }
  }
  for (const auto& exporter : program_->exporters()) {
    if (exporter->deliverer().caught_up(snapshot->last_seq)) continue;
    why_not = "exporter " + exporter->settings().name + " stands at " + std::to_string(exporter->deliverer().position()) + " of " +
              std::to_string(snapshot->last_seq) + ": " + exporter->deliverer().status().problem;
    return false;
  }
  return true;
}

}  // namespace auditferry::simulation
