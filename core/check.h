#pragma once
// A broken invariant ends the process, in release builds too: going on with wrong books would be worse
// than a restart, which finds everything in the journal.

namespace auditferry {

// Writes "file:line: broken invariant: expression" to standard error and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression);

}  // namespace auditferry

#define AUDITFERRY_CHECK(expression) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : ::auditferry::check_failed(__FILE__, __LINE__, #expression))
