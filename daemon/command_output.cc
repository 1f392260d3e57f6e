#include "daemon/command_output.h"

#include <cstdio>

#include "daemon/logger.h"

namespace auditferry {
namespace {

// sd-daemon(3): what the journal files as an error.
constexpr const char* journal_error = "<3>";

}  // namespace

ExitStatus complain(const std::string& message, ExitStatus status) {
  // Of several errors each has a line.
  std::string text = "auditferry: " + message;
  if (standard_error_is_the_journal()) {
    text.insert(0, journal_error);
    for (std::size_t end = text.find('\n'); end != std::string::npos && end + 1 < text.size(); end = text.find('\n', end + 1)) text.insert(end + 1, journal_error);
  }
  std::fprintf(stderr, "%s\n", text.c_str());
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
