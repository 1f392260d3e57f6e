#pragma once

#include <string>

#include "daemon/daemon.h"

namespace auditferry {

// What the command line asks for; texts are as given.
struct CommandLine {
  std::string command;  // "run", "check", "status", "ledger", "journal check"
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
};

// Carries a command out: results go to standard output, errors to standard error, one line each, with what
// to do next.
ExitStatus run_command(const CommandLine& line);

}  // namespace auditferry
