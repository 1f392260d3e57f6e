#include "tests/simulation/configuration.h"

#include <algorithm>

#include "config/toml_reader.h"
#include "core/check.h"
#include "exporters/catalog.h"
#include "exporters/file_settings.h"
#include "sources/profile.h"
#include "tests/support/counted_paging.h"

namespace auditferry::simulation {
namespace {

ExporterPlan new_exporter(Configuration& configuration, Random& random) {
  constexpr std::array<const char*, 6> types = {"file", "file", "scripted", "http", "elasticsearch", "splunk_hec"};
  ExporterPlan plan;
  plan.type = types[random.below(types.size())];
  plan.name = (plan.is_file() ? "file" : "sink") + std::to_string(++configuration.names_used);
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
  if (configuration.audit_is_reread || name != "audit" || oldest_first(source.profile.vendor)) stream.reread = {reread_delay};
  if (!oldest_first(source.profile.vendor) && configuration.paging != SandboxPaging::cursor)
    page_by_count(stream.profile, configuration.paging == SandboxPaging::offset ? PagingKind::offset : PagingKind::page, configuration.first_page);
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
  source.credentials["token"] = Secret(profile == "github" ? PortalOptions().github_token : PortalOptions().okta_token);
  source.requests_per_minute = 600;
  source.catch_up = configuration.catch_up;
  source.max_retry_after = std::chrono::minutes(20);
  source.max_backoff = std::chrono::seconds(40);
  source.max_page_bytes = 1u << 20;
  return source;
}

// What an exporter of the network has in its section of the configuration.
const char* section_of(const std::string& type) {
  if (type == "http") return "url = \"http://127.0.0.1:1/in\"";
  if (type == "elasticsearch") return "hosts = [\"http://127.0.0.1:1\"]\nindex = \"audit-{stream}\"";
  if (type == "splunk_hec") return "url = \"http://127.0.0.1:1\"\ntoken = { env = \"TOKEN\" }";
  return nullptr;
}

void read_section(ExporterSettings& exporter, const char* text) {
  TomlProblems problems;
  const auto document = TomlDocument::parse(text, "exporter.toml", problems);
  AUDITFERRY_CHECK(document.has_value());
  TomlTable table = document->root();
  const SecretPlaces places{[](const std::string& name) { return std::optional<std::string>(name); }, "", true};
  AUDITFERRY_CHECK(read_exporter(exporter, table, places) && problems.empty());
}

ExporterSettings exporter_of(const ExporterPlan& plan) {
  ExporterSettings exporter;
  exporter.name = plan.name;
  exporter.type = plan.type;
  if (const char* section = section_of(plan.type)) read_section(exporter, section);
  exporter.format = "json";
  exporter.enabled = plan.enabled;
  exporter.select.streams = plan.streams;
  exporter.batch.records = plan.batch_records;
  exporter.max_backoff = std::chrono::seconds(40);
  if (plan.is_file()) {
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
  if (random.below(2) == 0) configuration.paging = random.below(2) == 0 ? SandboxPaging::offset : SandboxPaging::page;
  configuration.first_page = static_cast<std::uint32_t>(random.below(2));
  configuration.slice = random.below(2) == 0 ? std::chrono::hours(24) : std::chrono::hours(2);
  const std::uint64_t count = 2 + random.below(2);
  for (std::uint64_t i = 0; i < count; ++i) configuration.exporters.push_back(new_exporter(configuration, random));
  // One of each at least.
  configuration.exporters.front().type = "file";
  configuration.exporters.front().name = "archive";
  if (configuration.exporters.back().is_file()) configuration.exporters.back().type = "scripted";
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
      configuration.former.push_back(one);
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
  settings.sources.push_back(source_of("code", "github", configuration));
  for (const char* name : {"audit", "device"}) {
    settings.sources[0].streams.push_back(stream_of(settings.sources[0], name, configuration));
  }
  settings.sources[0].streams[0].query = configuration.audit_query;
  for (const std::size_t i : {1u, 2u}) settings.sources[i].streams.push_back(stream_of(settings.sources[i], "audit", configuration));
  for (const ExporterPlan& plan : configuration.exporters) settings.exporters.push_back(exporter_of(plan));
  return settings;
}

std::string portal_log(const std::string& vendor, const std::string& stream) { return oldest_first(vendor) ? vendor : stream; }

}  // namespace auditferry::simulation
