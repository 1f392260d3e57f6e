#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/secret_reader.h"
#include "config/toml_reader.h"
#include "exporters/http_sink.h"
#include "exporters/text_template.h"

namespace auditferry {

// The keys of an exporter of type "elasticsearch"; docs/exporters.md explains them.
struct ElasticSettings {
  HttpSinkSettings sink;
  std::vector<std::string> hosts;  // URLs without a slash at the end
  TextTemplate index;              // an index or a data stream
};

// Reads and checks; problems are reported to the table.
ElasticSettings read_elastic_settings(TomlTable& table, const SecretPlaces& places);

}  // namespace auditferry
