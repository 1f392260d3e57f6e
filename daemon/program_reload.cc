// Program::take_over(): one configuration after another in a running program.
#include <algorithm>
#include <set>

#include "daemon/load_settings.h"
#include "daemon/program.h"
#include "encoding/json_object.h"

namespace auditferry {
namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What an exporter that is stopped may take to bring to an end what it is sending, so that less comes twice.
constexpr Duration winding_up = std::chrono::seconds(5);

bool stops(const NamedChanges& changes, const std::string& name) { return holds(changes.removed, name) || holds(changes.changed, name); }
bool starts(const NamedChanges& changes, const std::string& name) { return holds(changes.added, name) || holds(changes.changed, name); }

}  // namespace

Task<TakenOver> Program::take_over(Settings after, std::string config_sha256) {
  const ConfigChange change = compare_settings(settings_, after);
  if (!change.needs_restart.empty()) {
    TakenOver refused;
    for (const std::string& sentence : change.needs_restart) refused.problems.push_back({sentence});
    co_return refused;
  }
  const bool same_text = config_sha256 == options_.config_sha256;
  if (stopping_ || (!change.any() && same_text)) co_return TakenOver{true, ""};
  changing_ = true;
  co_await stop_parts(change);
  settings_ = std::move(after);
  options_.config_sha256 = std::move(config_sha256);
  // Nobody uses the old one but jobs, which keep it.
  if (change.profiles) profiles_ = std::make_shared<const ProfileBook>(profile_book(settings_));
  std::vector<TakeOverProblem> problems = co_await start_exporters(change);
  const std::vector<TakeOverProblem> of_sources = co_await start_sources(change);
  problems.insert(problems.end(), of_sources.begin(), of_sources.end());
  for (const InsecurePeer& peer : insecure_peers(settings_)) {
    const NamedChanges& named = peer.whose.key == "source" ? change.sources : change.exporters;
    if (starts(named, peer.whose.value)) warn_of(peer);
  }
  co_await note_configuration(change.words());
  changing_ = false;
  ended_.ring();
  TakenOver taken{true, "the configuration is taken over: " + change.words(), std::move(problems)};
  co_return taken;
}

Task<void> Program::wait_for(const std::vector<ExporterPart*>& exporters) {
  for (ExporterPart* exporter : exporters) co_await exporter->delivered();
}

Task<void> Program::stop_parts(const ConfigChange& change) {
  for (const auto& source : sources_) {
    if (stops(change.sources, source->settings().name)) source->cancel();
  }
  for (const auto& source : sources_) {
    if (stops(change.sources, source->settings().name)) co_await source->join();
  }
  std::vector<ExporterPart*> exporters;
  for (const auto& exporter : exporters_) {
    if (stops(change.exporters, exporter->settings().name)) exporters.push_back(exporter.get());
  }
  for (ExporterPart* exporter : exporters) exporter->wind_up();
  Task<void> wound_up = wait_for(exporters);
  Task<void> end = clock_.sleep(winding_up);
  co_await first_to_end(std::move(wound_up), std::move(end));
  for (ExporterPart* exporter : exporters) exporter->cancel();
  for (ExporterPart* exporter : exporters) co_await exporter->join();
  // From here to the end nobody else runs: nobody sees a poller that is gone.
  std::vector<std::unique_ptr<SourcePart>> stopped;
  for (auto& source : sources_) {
    if (stops(change.sources, source->settings().name)) stopped.push_back(std::move(source));
  }
  std::erase(sources_, nullptr);
  housekeeper_->set_pollers(pollers());
  std::erase_if(exporters_, [&](const auto& exporter) { return stops(change.exporters, exporter->settings().name); });
}

Task<std::vector<TakeOverProblem>> Program::start_exporters(const ConfigChange& change) {
  std::vector<TakeOverProblem> problems;
  std::vector<std::string> failed;
  std::vector<std::string> names;
  for (const ExporterSettings& exporter : settings_.exporters) {
    if (!exporter.enabled) continue;
    names.push_back(exporter.name);
    if (!starts(change.exporters, exporter.name)) continue;
    const Status started = co_await start_exporter(exporter);
    if (started) continue;
    failed.push_back(exporter.name);
    problems.push_back({"exporter " + exporter.name + " could not be started: " + started.error().message + "; send SIGHUP again once this is solved",
                        {{"exporter", exporter.name}}});
  }
  auto detach = [&names](Journal& journal) { return journal.detach_exporters_except(names); };
  const Status detached = co_await storage_->run(detach);
  if (!detached) log_.error("the journal still counts exporters that are gone: " + detached.error().message);
  // As if they were not configured, so that the next reload tries again.
  std::erase_if(settings_.exporters, [&](const ExporterSettings& exporter) { return holds(failed, exporter.name); });
  co_return problems;
}

Task<Status> Program::start_exporter(const ExporterSettings& exporter) {
  auto attach = [&exporter](Journal& journal) {
    return journal.attach_exporter(exporter.name, exporter.type, exporter.when_full == WhenFull::hold ? "hold" : "release", exporter.start_now);
  };
  Result<ExporterRow> row = co_await storage_->run(attach);
  if (!row) co_return std::move(row).error();
  exporters_.push_back(std::make_unique<ExporterPart>(surroundings_, *storage_, published_, *profiles_, exporter, std::move(row).value(), ledger_note()));
  exporters_.back()->start();
  co_return Status();
}

Task<std::vector<TakeOverProblem>> Program::start_sources(const ConfigChange& change) {
  const WallTime now = clock_.now();
  auto look = [now](Journal& journal) { return journal.penalties(now); };
  const Result<std::vector<Penalty>> penalties = co_await storage_->run(look);
  std::vector<TakeOverProblem> problems;
  if (!penalties) {
    // Asking without them might break a wait that a portal has asked for. As if these sources were not
    // configured, so that the next reload tries again.
    for (const SourceSettings& source : settings_.sources) {
      if (!starts(change.sources, source.name)) continue;
      problems.push_back({"source " + source.name + " could not be started, since the waits that portals have asked for cannot be read: " +
                              penalties.error().message + "; send SIGHUP again once this is solved",
                          {{"source", source.name}}});
    }
    std::erase_if(settings_.sources, [&](const SourceSettings& source) { return starts(change.sources, source.name); });
    housekeeper_->set_pollers(pollers());
    co_return problems;
  }
  std::set<const RequestBudget*> known;
  for (const SourceSettings& source : settings_.sources) {
    RequestBudget& budget = budget_for(source, *penalties);
    // Of sources that share one, the first says how much it is.
    if (known.insert(&budget).second) budget.set_rate(source.requests_per_minute);
    if (!starts(change.sources, source.name)) continue;
    sources_.push_back(std::make_unique<SourcePart>(surroundings_, *storage_, published_, budget, source));
    sources_.back()->start();
  }
  housekeeper_->set_pollers(pollers());
  co_return problems;
}

Task<void> Program::note_configuration(const std::string& words) {
  const std::string detail = JsonObject().text("config_sha256", options_.config_sha256).text("changed", words).finish();
  const WallTime now = clock_.now();
  auto note = [&detail, now](Journal& journal) { return journal.note("configuration", detail, now); };
  const Status noted = co_await storage_->run(note);
  if (!noted) log_.error("the ledger could not be written: " + noted.error().message);
}

}  // namespace auditferry
