#include "daemon/command_output.h"

#include <cstdio>

namespace auditferry {

ExitStatus complain(const std::string& message, ExitStatus status) {
  std::fprintf(stderr, "auditferry: %s\n", message.c_str());
  return status;
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string journal_path(const Settings& settings) { return settings.daemon.state_dir + "/journal.db"; }

Result<std::unique_ptr<JournalReader>> open_reader(const Settings& settings) {
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(journal_path(settings));
  if (!reader && reader.error().kind == ErrorKind::not_found) {
    return Error{ErrorKind::not_found, "there is no journal at " + journal_path(settings) +
                                           " that can be read: has the daemon run with this daemon.state_dir, and is this user its owner?"};
  }
  return reader;
}

}  // namespace auditferry
