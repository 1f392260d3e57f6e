#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/secret_reader.h"
#include "config/toml_reader.h"
#include "exporters/http_sink.h"
#include "exporters/text_template.h"

namespace auditferry {

// The keys of an exporter of type "splunk_hec"; docs/exporters.md explains them.
struct SplunkSettings {
  HttpSinkSettings sink;
  std::vector<std::string> urls;  // without /services/collector/event; at least one
  // Empty, or with a placeholder that a record has nothing for: left out, so that the token's own applies.
  TextTemplate index;
  TextTemplate host;
  TextTemplate source;
  TextTemplate sourcetype;
  bool json = true;  // the format's lines are JSON; else they are sent as strings
  bool ack = false;
  Duration ack_poll = std::chrono::seconds(10);
  Duration ack_timeout = std::chrono::minutes(5);
  std::uint32_t unconfirmed = 256;  // with ack: batches that wait for their confirmation
};

// Reads and checks; problems are reported to the table.
SplunkSettings read_splunk_settings(TomlTable& table, const SecretPlaces& places);

}  // namespace auditferry
