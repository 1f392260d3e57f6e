#include "exporters/splunk_settings.h"

#include "config/peer_reader.h"
#include "exporters/http_sink_settings.h"

namespace auditferry {
namespace {

TextTemplate read_template(TomlTable& table, std::string_view key, const char* fallback) {
  const Result<TextTemplate> parsed = TextTemplate::parse(table.string(key).value_or(fallback));
  if (parsed.ok()) return *parsed;
  table.error(key, parsed.error().message);
  return {};
}

// One address, or a list of them.
std::vector<std::string> read_urls(TomlTable& table, const PeerSettings& peer) {
  static const std::vector<std::string_view> paths = {"/services/collector/event", "/services/collector/event/1.0", "/services/collector"};
  if (table.kind("url") == TomlKind::array) return read_url_list(table, "url", peer, paths);
  return {without_ending(read_url(table, "url", "", peer), paths)};
}

}  // namespace

SplunkSettings read_splunk_settings(TomlTable& table, const SecretPlaces& places) {
  SplunkSettings settings;
  settings.sink = read_http_sink(table, places);
  refuse_zstd(table, settings.sink);
  for (const auto& [name, value] : settings.sink.headers) {
    if (same_header_name(name, "Authorization")) table.error("headers", name + " is set from token: remove it");
  }
  settings.urls = read_urls(table, settings.sink.peer);
  if (const auto token = read_required_secret(table, "token", places);
      token && fits_header(table, "token", *token))
    settings.sink.authorization = Secret("Splunk " + token->reveal());
  settings.index = read_template(table, "index", "");
  settings.host = read_template(table, "host", "");
  settings.source = read_template(table, "source", "{source}");
  settings.sourcetype = read_template(table, "sourcetype", "{vendor}:{stream}");
  settings.json = format_is_json(table);
  settings.ack = table.boolean("ack").value_or(false);
  read_seconds(table, "ack_poll", settings.ack_poll);
  read_seconds(table, "ack_timeout", settings.ack_timeout);
  settings.unconfirmed = read_count(table, "unconfirmed", 1000, settings.unconfirmed);
  if (settings.ack_timeout < settings.ack_poll * 2)
    table.error("ack_timeout", "must be at least twice ack_poll, or nothing is ever confirmed in time");
  return settings;
}

}  // namespace auditferry
