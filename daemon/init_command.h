#pragma once

#include <string>
#include <vector>

#include "core/file_system.h"
#include "core/result.h"
#include "daemon/questions.h"
#include "daemon/text_report.h"

namespace auditferry {

// What the command line of `auditferry init` says; empty: ask, or take what is usual.
struct InitOptions {
  std::string config = "auditferry.toml";
  std::string profile;
  std::string base_url;
  std::string tenant;
  std::string streams;  // "audit,device"
  std::string source;
  std::string start;
  std::string listen;
  std::string state_dir;
  std::string records;
  std::vector<std::string> credential_files;  // "token_key=PATH"
  bool offline = false;
  // Of the service's user. A configuration in /etc is then the service's: its group may read what is written, and
  // nobody else beside the owner.
  std::string service_group;
  std::string system_folder = "/etc";  // tests have another
};

// Whether a configuration at `path` is written for the service.
bool for_the_service(const InitOptions& options, const std::string& path);

// Finds out what is missing (from a person at a terminal; without one, credentials only, a line each, in the
// profile's order), checks all of it as the daemon would, and writes the configuration and, beside it in the
// folder secrets/, a file for each credential that was typed, readable by its owner only (and by the service's
// group, see InitOptions). Nothing that exists is overwritten; after an error nothing that it made is left. Returns
// the configuration's path.
Result<std::string> init(const InitOptions& options, Questions& questions, FileSystem& files, const ReportSink& say);

}  // namespace auditferry
