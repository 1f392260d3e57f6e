#include "exporters/catalog.h"

#include <unistd.h>

#include <filesystem>

#include "core/check.h"
#include "exporters/file_exporter.h"
#include "exporters/json_format.h"
#include "exporters/raw_format.h"
#include "exporters/stdout_exporter.h"
#include "exporters/syslog_exporter.h"

namespace auditferry {
namespace {

struct ExporterType {
  const char* name;
  void (*read)(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places);
  std::unique_ptr<Exporter> (*make)(const ExporterSettings& settings, ExporterWorld world);
};

struct FormatType {
  const char* name;
  std::unique_ptr<Format> (*make)(const ExporterSettings& settings, const ProfileBook& profiles);
};

void read_file(ExporterSettings& settings, TomlTable& table, const SecretPlaces&) {
  FileSettings own = read_file_settings(table);
  settings.output_key = "file:" + std::filesystem::path(own.path).lexically_normal().string();
  settings.own = std::move(own);
  settings.batch = {5000, 4u << 20, std::chrono::milliseconds(200)};
}

std::unique_ptr<Exporter> make_file(const ExporterSettings& settings, ExporterWorld world) {
  return std::make_unique<FileExporter>(settings, std::move(world));
}

void read_stdout(ExporterSettings& settings, TomlTable&, const SecretPlaces&) {
  settings.output_key = "stdout";
}

std::unique_ptr<Exporter> make_stdout(const ExporterSettings&, ExporterWorld world) {
  return std::make_unique<StdoutExporter>(STDOUT_FILENO, std::move(world));
}

void read_syslog(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places) {
  settings.own = read_syslog_settings(table, places);
}

std::unique_ptr<Exporter> make_syslog(const ExporterSettings& settings, ExporterWorld world) {
  return std::make_unique<SyslogExporter>(std::any_cast<const SyslogSettings&>(settings.own), std::move(world));
}

constexpr ExporterType types[] = {
    {"file", read_file, make_file},
    {"stdout", read_stdout, make_stdout},
    {"syslog", read_syslog, make_syslog},
};

std::unique_ptr<Format> make_json(const ExporterSettings& settings, const ProfileBook&) {
  return std::make_unique<JsonFormat>(settings.labels);
}
std::unique_ptr<Format> make_raw(const ExporterSettings&, const ProfileBook&) {
  return std::make_unique<RawFormat>();
}

constexpr FormatType formats[] = {
    {"json", make_json},
    {"raw", make_raw},
};

}  // namespace

std::vector<std::string> exporter_types() {
  std::vector<std::string> names;
  for (const ExporterType& type : types) names.emplace_back(type.name);
  return names;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const FormatType& format : formats) names.emplace_back(format.name);
  return names;
}

bool read_exporter(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places) {
  for (const ExporterType& type : types) {
    if (settings.type != type.name) continue;
    type.read(settings, table, places);
    return true;
  }
  return false;
}

std::unique_ptr<Exporter> make_exporter(const ExporterSettings& settings, ExporterWorld world) {
  for (const ExporterType& type : types) {
    if (settings.type == type.name) return type.make(settings, std::move(world));
  }
  AUDITFERRY_CHECK(!"an exporter type that the configuration let through");
}

std::unique_ptr<Format> make_format(const ExporterSettings& settings, const ProfileBook& profiles) {
  for (const FormatType& format : formats) {
    if (settings.format == format.name) return format.make(settings, profiles);
  }
  AUDITFERRY_CHECK(!"a format that the configuration let through");
}

}  // namespace auditferry
