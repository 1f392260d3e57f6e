#include "tests/simulation/configuration.h"

#include <algorithm>

#include "core/check.h"
#include "exporters/file_settings.h"
#include "sandbox/portal_options.h"
#include "sources/profile.h"

namespace auditferry::simulation {
namespace {

ExporterPlan new_exporter(Configuration& configuration, Random& random) {
  ExporterPlan plan;
  plan.file = random.below(3) == 0;
  plan.name = (plan.file ? "file" : "sink") + std::to_string(++configuration.names_used);
  if (random.below(3) == 0) plan.streams = {random.below(2) == 0 ? "audit" : "device"};
  plan.batch_records = static_cast<std::uint32_t>(3 + random.below(40));
  if (random.below(2) == 0) plan.rotate_size = 2000 + random.below(6000);
  return plan;
}

StreamSettings stream_of(const SourceSettings& source, const std::string& name, const Configuration& configuration) {
  StreamSettings stream;
  stream.name = name;
  stream.profile = source.profile.streams.at(name);
  stream.profile.page_size = configuration.page_size;
  stream.profile.max_page_size = configuration.page_size * 4;
  stream.start.ago = start_ago;
  stream.overlap = overlap;
  stream.slice = configuration.slice;
  stream.poll_every = std::chrono::seconds(20);
  stream.retention = configuration.retention;
  if (configuration.audit_is_reread || name != "audit" || source.profile.vendor == "okta") stream.reread = {reread_delay};
  return stream;
}

SourceSettings source_of(const std::string& name, const std::string& profile, const Configuration& configuration) {
  SourceSettings source;
  source.name = name;
  Result<Profile> loaded = builtin_profile(profile);
  AUDITFERRY_CHECK(loaded.ok());
  source.profile = std::move(loaded).value();
  source.base_url = profile == "apptego" ? "http://127.0.0.1/frontend" : "http://127.0.0.1";
  source.tenant = profile == "apptego" ? sandbox_tenant : "example";
  source.credentials["token_key"] = Secret(sandbox_token_key);
  source.credentials["token_secret"] = Secret(sandbox_token_secret);
  source.credentials["token"] = Secret("sandbox-okta-token");
  source.requests_per_minute = 600;
  source.catch_up = configuration.catch_up;
  source.max_retry_after = std::chrono::minutes(20);
  source.max_backoff = std::chrono::seconds(40);
  source.max_page_bytes = 1u << 20;
  return source;
}

ExporterSettings exporter_of(const ExporterPlan& plan) {
  ExporterSettings exporter;
  exporter.name = plan.name;
  exporter.type = plan.file ? "file" : "scripted";
  exporter.format = "json";
  exporter.enabled = plan.enabled;
  exporter.select.streams = plan.streams;
  exporter.batch.records = plan.batch_records;
  exporter.max_backoff = std::chrono::seconds(40);
  if (plan.file) {
    FileSettings own;
    own.path = std::string(out_folder) + "/" + plan.name + "/{source}-{stream}.jsonl";
    own.rotate_size = plan.rotate_size;
    exporter.own = own;
  }
  return exporter;
}

}  // namespace

Configuration first_configuration(Random& random) {
  Configuration configuration;
  if (random.below(3) == 0) configuration.catch_up = CatchUp::oldest_first;
  configuration.page_size = static_cast<std::uint32_t>(4 + random.below(30));
  configuration.slice = random.below(2) == 0 ? std::chrono::hours(24) : std::chrono::hours(2);
  const std::uint64_t count = 2 + random.below(2);
  for (std::uint64_t i = 0; i < count; ++i) configuration.exporters.push_back(new_exporter(configuration, random));
  // One of each at least.
  configuration.exporters.front().file = true;
  configuration.exporters.front().name = "archive";
  configuration.exporters.back().file = false;
  configuration.exporters.back().name = "siem";
  return configuration;
}

std::string change_configuration(Configuration& configuration, Random& random) {
  std::vector<ExporterPlan>& exporters = configuration.exporters;
  for (ExporterPlan& plan : exporters) {
    if (plan.enabled || random.below(2) == 0) continue;
    plan.enabled = true;
    return "exporter brought back";
  }
  ExporterPlan& one = exporters[random.below(exporters.size())];
  switch (random.below(5)) {
    case 0:
      if (exporters.size() >= 5) break;
      exporters.push_back(new_exporter(configuration, random));
      return "exporter added";
    case 1:
      one.enabled = false;
      return "exporter removed";
    case 2: {
      // Under a new name it is another exporter, with another position and other files.
      one.name += "-" + std::to_string(++configuration.names_used);
      return "exporter renamed";
    }
    case 3:
      if (!configuration.query_may_change) break;
      configuration.audit_query = configuration.audit_query.empty() ? "api_call = 'login'" : "";
      return "query changed";
    default: break;
  }
  configuration.page_size = static_cast<std::uint32_t>(4 + random.below(30));
  return "page size changed";
}

Settings settings_of(const Configuration& configuration, const std::string& state_dir) {
  Settings settings;
  settings.daemon.state_dir = state_dir;
  settings.admin.enabled = false;
  settings.journal.keep = std::chrono::hours(24 * 400);
  // The simulated disk says 1 TiB while it is not full: no reserve is made, which would cost 16 MiB each time.
  settings.journal.min_free = (std::uint64_t{1} << 40) - 1;
  settings.sources.push_back(source_of("acme", "apptego", configuration));
  settings.sources.push_back(source_of("other", "okta", configuration));
  for (const char* name : {"audit", "device"}) {
    settings.sources[0].streams.push_back(stream_of(settings.sources[0], name, configuration));
  }
  settings.sources[0].streams[0].query = configuration.audit_query;
  settings.sources[1].streams.push_back(stream_of(settings.sources[1], "audit", configuration));
  for (const ExporterPlan& plan : configuration.exporters) settings.exporters.push_back(exporter_of(plan));
  return settings;
}

std::string portal_log(const std::string& vendor, const std::string& stream) { return vendor == "okta" ? "okta" : stream; }

}  // namespace auditferry::simulation
