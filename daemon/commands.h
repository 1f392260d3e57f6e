#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/daemon.h"
#include "daemon/init_command.h"

namespace auditferry {

// What the command line asks for; texts are as given.
struct CommandLine {
  std::string command;  // "run", "check", "status", "ledger", "journal check", "dead-letters list" …
  std::string config;
  bool once = false;
  std::string timeout;
  bool online = false;
  bool json = false;
  bool brief = false;
  std::string source;
  std::string stream;
  std::string from;
  std::string to;
  std::string exporter;
  std::vector<std::int64_t> ids;
  bool all = false;
  std::string reason;
  std::string state;     // of gaps
  std::string new_name;  // of an exporter
  bool yes = false;
  InitOptions init;
};

// Carries a command out: results go to standard output, errors to standard error, one line each, with what
// to do next.
ExitStatus run_command(const CommandLine& line);

}  // namespace auditferry
