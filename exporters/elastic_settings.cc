#include "exporters/elastic_settings.h"

#include <algorithm>

#include "exporters/http_sink_settings.h"

namespace auditferry {
namespace {

void read_hosts(TomlTable& table, ElasticSettings& settings) {
  if (!table.has("hosts")) {
    table.error("hosts", "is missing: write the addresses, such as [\"https://elastic.example.com:9200\"]");
    table.knows("hosts");
    return;
  }
  settings.hosts = read_url_list(table, "hosts", settings.sink.peer);
}

void read_index(TomlTable& table, ElasticSettings& settings) {
  const std::string text = table.required_string("index");
  if (text.empty()) {
    if (table.kind("index") == TomlKind::string)
      table.error("index", "is empty: name an index or a data stream");
    return;
  }
  const Result<TextTemplate> parsed = TextTemplate::parse(text);
  if (!parsed.ok()) {
    table.error("index", parsed.error().message);
    return;
  }
  settings.index = *parsed;
  // What values bring along is cleaned; what the author wrote is to be right.
  const bool upper = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (upper || text.find_first_of("\\/*?\"<>| ,#:") != text.npos || text[0] == '-' || text[0] == '_' ||
      text[0] == '+')
    table.error(
        "index",
        "no index is called so: lower-case letters, digits, '-', '_' and '.', not beginning with '-', "
        "'_' or '+'");
}

}  // namespace

ElasticSettings read_elastic_settings(TomlTable& table, const SecretPlaces& places) {
  ElasticSettings settings;
  settings.sink = read_http_sink(table, places);
  refuse_zstd(table, settings.sink);
  read_auth(table, places, ApiKey::known, settings.sink);
  read_hosts(table, settings);
  read_index(table, settings);
  if (!format_is_json(table))
    table.error("format", "\"" + *table.string("format") +
                              "\" makes no JSON, which is all that Elasticsearch takes: "
                              "use \"json\", \"raw\", \"ecs\" or \"ocsf\"");
  return settings;
}

}  // namespace auditferry
