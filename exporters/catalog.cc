#include "exporters/catalog.h"

#include <unistd.h>

#include <filesystem>

#include "core/check.h"
#include "exporters/cef_format.h"
#include "exporters/ecs_format.h"
#include "exporters/elastic_exporter.h"
#include "exporters/file_exporter.h"
#include "exporters/http_exporter.h"
#include "exporters/json_format.h"
#include "exporters/leef_format.h"
#include "exporters/ocsf_format.h"
#include "exporters/otlp_exporter.h"
#include "exporters/raw_format.h"
#include "exporters/splunk_exporter.h"
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

constexpr std::uint32_t most_requests = 64;

void read_file(ExporterSettings& settings, TomlTable& table, const SecretPlaces&) {
  FileSettings own = read_file_settings(table);
  std::error_code nowhere;  // an empty path, which is refused
  settings.output_key = "file:" + std::filesystem::absolute(own.path, nowhere).lexically_normal().string();
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

void read_http(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places) {
  HttpExporterSettings own = read_http_exporter_settings(table, places);
  settings.insecure = own.sink.peer.tls.insecure;
  settings.own = std::move(own);
  settings.max_concurrency = most_requests;
}

std::unique_ptr<Exporter> make_http(const ExporterSettings& settings, ExporterWorld world) {
  return std::make_unique<HttpExporter>(settings, std::move(world));
}

void read_splunk(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places) {
  SplunkSettings own = read_splunk_settings(table, places);
  // With acknowledgements the order of their numbers counts, and `unconfirmed` does the same.
  settings.max_concurrency = own.ack ? 1 : most_requests;
  settings.insecure = own.sink.peer.tls.insecure;
  settings.own = std::move(own);
}

std::unique_ptr<Exporter> make_splunk(const ExporterSettings& settings, ExporterWorld world) {
  return std::make_unique<SplunkExporter>(settings, std::move(world));
}

void read_elastic(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places) {
  ElasticSettings own = read_elastic_settings(table, places);
  settings.insecure = own.sink.peer.tls.insecure;
  settings.own = std::move(own);
  settings.max_concurrency = most_requests;
  settings.batch = {5000, 4u << 20, std::chrono::milliseconds(200)};
}

std::unique_ptr<Exporter> make_elastic(const ExporterSettings& settings, ExporterWorld world) {
  return std::make_unique<ElasticExporter>(settings, std::move(world));
}

void read_otlp(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places) {
  OtlpSettings own = read_otlp_settings(table, places);
  settings.insecure = own.sink.peer.tls.insecure;
  settings.own = std::move(own);
  settings.max_concurrency = most_requests;
}

std::unique_ptr<Exporter> make_otlp(const ExporterSettings& settings, ExporterWorld world) {
  return std::make_unique<OtlpExporter>(settings, std::move(world));
}

void read_syslog(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places) {
  SyslogSettings own = read_syslog_settings(table, places);
  settings.insecure = own.peer.tls.insecure;
  settings.own = std::move(own);
}

std::unique_ptr<Exporter> make_syslog(const ExporterSettings& settings, ExporterWorld world) {
  return std::make_unique<SyslogExporter>(std::any_cast<const SyslogSettings&>(settings.own), std::move(world));
}

constexpr ExporterType types[] = {
    {"elasticsearch", read_elastic, make_elastic},
    {"file", read_file, make_file},
    {"http", read_http, make_http},
    {"otlp", read_otlp, make_otlp},
    {"splunk_hec", read_splunk, make_splunk},
    {"stdout", read_stdout, make_stdout},
    {"syslog", read_syslog, make_syslog},
};

std::unique_ptr<Format> make_json(const ExporterSettings& settings, const ProfileBook&) {
  return std::make_unique<JsonFormat>(settings.labels);
}
std::unique_ptr<Format> make_raw(const ExporterSettings&, const ProfileBook&) {
  return std::make_unique<RawFormat>();
}

template <class EventFormat>
std::unique_ptr<Format> make_event(const ExporterSettings& settings, const ProfileBook& profiles) {
  return std::make_unique<EventFormat>(settings.labels, profiles);
}

constexpr FormatType formats[] = {
    {"json", make_json},
    {"raw", make_raw},
    {"ecs", make_event<EcsFormat>},
    {"ocsf", make_event<OcsfFormat>},
    {"cef", make_event<CefFormat>},
    {"leef", make_event<LeefFormat>},
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
