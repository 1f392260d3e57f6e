#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "core/log.h"

namespace auditferry {

// A source or exporter with tls.insecure: whoever stands between can read and change what is sent.
struct InsecurePeer {
  LogField whose;  // "source" or "exporter", and its name
  // "exporter siem has tls.insecure: …", and what to do about it.
  std::string what;
  std::string todo;
};

// In the order of the configuration; exporters that are not enabled are left out. Pure.
std::vector<InsecurePeer> insecure_peers(const Settings& settings);

}  // namespace auditferry
