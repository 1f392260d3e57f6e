#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "config/secret_reader.h"
#include "config/toml_reader.h"
#include "core/exporter.h"
#include "exporters/http_sink.h"

namespace auditferry {

enum class HttpBody {
  ndjson,  // every record on a line of its own
  array,   // one JSON array
  single,  // a request for every record
};

// What each status means: HttpSink::verdict_of() unless the configuration says otherwise.
class StatusTable {
 public:
  StatusTable();
  // Anything outside of 100 to 599 is retry.
  Verdict of(int status) const;
  void set(int status, Verdict verdict) { verdicts_[static_cast<std::size_t>(status - 100)] = verdict; }
  friend bool operator==(const StatusTable&, const StatusTable&) = default;

 private:
  std::array<Verdict, 500> verdicts_;
};

// The keys of an exporter of type "http"; docs/exporters.md explains them.
struct HttpExporterSettings {
  HttpSinkSettings sink;
  std::string url;
  std::string method = "POST";
  HttpBody body = HttpBody::ndjson;
  std::string content_type;
  Secret signature_key;  // empty: no signature
  std::string signature_header = "X-Auditferry-Signature";
  bool accept_html = false;
  StatusTable statuses;
};

// Reads and checks; problems are reported to the table.
HttpExporterSettings read_http_exporter_settings(TomlTable& table, const SecretPlaces& places);

}  // namespace auditferry
