#include "tests/simulation/world.h"

#include "core/check.h"
#include "encoding/time_format.h"
#include "daemon/portal_session.h"
#include "sandbox/portal_client.h"
#include "sources/request_builder.h"
#include "storage/snapshot.h"
#include "storage/sqlite.h"

namespace auditferry::simulation {
namespace {

constexpr Duration longest_end = std::chrono::minutes(30);

PortalOptions portal_options(Random& random) {
  PortalOptions options;
  options.seed = random.next();
  options.page_limit = 60;
  SandboxDialect& dialect = options.dialect;
  dialect.order_by_event = random.below(4) == 0;
  dialect.last_page = random.below(2) == 0 ? SandboxLastPage::exact : SandboxLastPage::when_full;
  dialect.cursor_end = static_cast<SandboxCursorEnd>(random.below(3));
  dialect.exclusive_start = random.below(5) == 0;
  dialect.exclusive_end = random.below(5) == 0;
  if (random.below(3) == 0) {
    options.rate_limit.requests = 120;
    options.rate_limit.say_retry_after = random.below(2) == 0;
  }
  for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device, SandboxLog::okta}) options.streams[log] = {};
  return options;
}

}  // namespace

// The way to the portal: nothing leaves a process that is dead.
class World::Link final : public HttpClient {
 public:
  explicit Link(World& world) : world_(world), client_(*world.portal, world.loop.clock()) {}
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    if (world_.dead_) co_return Error{ErrorKind::connect, "the process is dead"};
    client_.set_unreachable(world_.unreachable);
    client_.set_latency(world_.random.jitter(world_.latency));
    if (world_.unreachable) world_.trace.hit("portal unreachable");
    const std::string asked = request.method + " " + request.url + " " + request.body;
    Result<HttpResponse> response = co_await client_.send(std::move(request));
    world_.trace.note(asked + " -> " + (response.ok() ? std::to_string(response->status) + " " + std::to_string(response->body.size()) : response.error().message));
    co_return response;
  }

 private:
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
  portal = std::make_unique<Portal>(portal_options(random), [this] { return portal_time(); });
  configuration = first_configuration(random);
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
    if (settings.type != "scripted") return auditferry::make_exporter(settings, std::move(world));
    return make_scripted_sink(far_end(settings.name), SinkWorld{trace, random, dead_}, std::move(world));
  };
  return made;
}

void World::set_disk(std::optional<std::uint64_t> bytes) {
  files.set_capacity(bytes);
  if (disk_is_full_ && !bytes) note_begin(settings_of(configuration, folder_.path()));
  disk_is_full_ = bytes.has_value();
}

void World::note_begin(const Settings& settings) {
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
  trace.hit(loss == 0 ? "process death" : loss == 1 ? "power loss" : "power loss with torn writes");
  sqlite.restart(sqlite_loss, seed);
  files.restart(file_loss, seed);
  die_after_steps = 0;
}

void World::run(Duration duration) {
  if (!program_) return;
  const bool died = loop.run(loop.clock().slept() + duration, [this] { return check_death(); });
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
}  // namespace

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
      for (const StreamSnapshot& known : snapshot->streams) {
        if (known.identity.vendor != source->settings().profile.vendor || known.identity.stream != stream.name) continue;
        for (const CollectionSnapshot& collection : known.collections) {
          if (collection.fingerprint != fingerprint) continue;
          why_not = source->settings().name + "/" + stream.name + " has not been shown up to now";
          if (!collection.start) return false;
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
