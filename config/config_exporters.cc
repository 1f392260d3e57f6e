#include <algorithm>

#include "config/config_parts.h"
#include "config/nearest_name.h"

namespace auditferry {
namespace {

void read_select(ConfigContext& context, TomlTable table, SelectSettings& select) {
  std::vector<std::string> tables;
  for (const auto& entry : context.sources_of_table) tables.push_back(entry.first);
  std::vector<std::string> names = tables;
  for (const SourceSettings& source : context.settings.sources) names.push_back(source.name);

  for (const std::string& name : table.strings("sources").value_or(std::vector<std::string>())) {
    const auto group = context.sources_of_table.find(name);
    if (group != context.sources_of_table.end()) {
      select.sources.insert(select.sources.end(), group->second.begin(), group->second.end());
    } else if (names.empty() || std::find(names.begin(), names.end(), name) != names.end()) {
      select.sources.push_back(name);
    } else {
      table.error("sources", "there is no source \"" + name + "\"; " + suggestion(name, names));
    }
  }
  std::vector<std::string> streams = context.known_streams;
  std::sort(streams.begin(), streams.end());
  streams.erase(std::unique(streams.begin(), streams.end()), streams.end());
  for (const std::string& name : table.strings("streams").value_or(std::vector<std::string>())) {
    const bool known = std::find(streams.begin(), streams.end(), name) != streams.end();
    if (!known && context.streams_complete && !streams.empty())
      table.error("streams", "there is no stream \"" + name + "\"; " + suggestion(name, streams));
    select.streams.push_back(name);
  }
  for (const char* key : {"sources", "streams"}) {
    const auto list = table.strings(key);
    if (list && list->empty())
      table.error(key, "is empty and would select nothing: leave the key out for all");
  }
}

void read_batch(TomlTable table, BatchSettings& batch) {
  if (const auto records = table.integer("records", 1, 100'000))
    batch.records = static_cast<std::uint32_t>(*records);
  if (const auto bytes = table.size("bytes")) {
    batch.bytes = *bytes;
    if (*bytes < 1024 || *bytes > (std::uint64_t{256} << 20))
      table.error("bytes", "expected a size from \"1KiB\" to \"256MiB\"");
  }
  read_duration(table, "wait", Duration::zero(), batch.wait);
}

// The type's reader has said before how many writes at once it can do.
void read_concurrency(TomlTable& table, ExporterSettings& exporter) {
  const auto concurrency = table.integer("concurrency", 1, 64);
  if (!concurrency) return;
  exporter.concurrency = static_cast<std::uint32_t>(*concurrency);
  if (exporter.concurrency <= exporter.max_concurrency) return;
  const std::string most = exporter.max_concurrency == 1 ? "one write at a time, so that the order is kept: leave the key out"
                                                         : "at most " + std::to_string(exporter.max_concurrency) + " writes at once";
  table.error("concurrency", "an exporter of type \"" + exporter.type + "\" does " + most);
}

void read_common(ConfigContext& context, TomlTable& table, ExporterSettings& exporter) {
  const std::vector<std::string>& formats = context.hooks.formats;
  exporter.format = table.string("format").value_or("json");
  if (std::find(formats.begin(), formats.end(), exporter.format) == formats.end() && table.has("format") &&
      table.kind("format") == TomlKind::string)
    table.error("format",
                "\"" + exporter.format + "\" is not a valid value; " + suggestion(exporter.format, formats));
  exporter.enabled = table.boolean("enabled").value_or(true);
  exporter.start_now = table.choice<bool>("start", {{"oldest", false}, {"now", true}}).value_or(false);
  if (const auto when =
          table.choice<WhenFull>("when_full", {{"hold", WhenFull::hold}, {"release", WhenFull::release}}))
    exporter.when_full = *when;
  if (const auto select = table.table("select")) read_select(context, *select, exporter.select);
  exporter.labels = read_string_map(table, "labels");
  if (const auto batch = table.table("batch")) read_batch(*batch, exporter.batch);
  read_duration(table, "max_backoff", std::chrono::milliseconds(1), exporter.max_backoff);
  read_concurrency(table, exporter);
  if (auto letters = table.table("dead_letters")) {
    if (const auto rate = letters->integer("max_rate", 0, 1'000'000'000)) exporter.dead_letters_max_rate = static_cast<std::uint64_t>(*rate);
  }
}

void read_exporter(ConfigContext& context, TomlTable& tables, const std::string& name, TomlTable table) {
  ExporterSettings exporter;
  exporter.name = name;
  exporter.type = table.required_string("type");
  const bool known = !exporter.type.empty() && context.hooks.read_exporter(exporter, table, context.places);
  read_common(context, table, exporter);
  if (!known) {
    // Which of the other keys are right depends on the type.
    for (const std::string& key : table.keys()) table.knows(key);
    if (table.kind("type") == TomlKind::string)
      table.error("type", "there is no exporter type \"" + exporter.type + "\"; " +
                              suggestion(exporter.type, context.hooks.exporter_types));
    return;
  }
  if (!exporter.output_key.empty()) {
    const auto [entry, fresh] =
        context.taken.emplace("exporter " + exporter.output_key, std::make_pair(name, tables.position(name)));
    if (!fresh)
      tables.error(name, "writes to the same place as exporter \"" + entry->second.first + "\" (" +
                             to_string(entry->second.second) + "): " + exporter.output_key +
                             "; give each its own");
  }
  context.settings.exporters.push_back(std::move(exporter));
}

}  // namespace

void read_exporters(ConfigContext& context, TomlTable& root) {
  auto tables = root.table("exporters");
  if (!tables) return;
  for (const std::string& name : tables->keys()) {
    if (!claim_table(*tables, name, "an exporter", context.exporter_tables)) continue;
    if (auto table = tables->table(name)) read_exporter(context, *tables, name, *table);
  }
}

}  // namespace auditferry
