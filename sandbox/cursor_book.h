#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/time.h"
#include "sandbox/portal_options.h"
#include "sandbox/record_log.h"

namespace auditferry {

// What a cursor stands for: the request by time that began the chain, and how far it has come.
struct SandboxCursor {
  std::string owner;  // tenant, stream and query: a cursor serves no other
  std::optional<WallTime> from;
  std::optional<WallTime> to;
  std::optional<RecordPosition> position;  // nothing: before the first page
  std::uint64_t chain = 0;
};

enum class CursorVerdict { good, unknown, expired };

// The cursors that a portal has given out. Not thread-safe.
class CursorBook {
 public:
  CursorBook(SandboxCursors options, std::uint64_t seed) : options_(options), seed_(seed) {}

  std::uint64_t new_chain() { return ++chains_; }
  // The opaque text, of digits only when `as_number`.
  std::string issue(SandboxCursor cursor, WallTime now, bool as_number);
  // Counts a use of the cursor's chain. `found` is set unless the cursor is unknown.
  CursorVerdict redeem(std::string_view text, WallTime now, SandboxCursor& found);
  void expire_all() { expired_before_ = ++issued_; }
  void set_options(const SandboxCursors& options) { options_ = options; }
  const SandboxCursors& options() const { return options_; }

 private:
  struct Entry {
    SandboxCursor cursor;
    WallTime issued;
    std::uint64_t number;
  };
  SandboxCursors options_;
  std::uint64_t seed_;
  std::uint64_t chains_ = 0;
  std::uint64_t issued_ = 0;
  std::uint64_t expired_before_ = 0;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::uint64_t, std::uint32_t> uses_;  // by chain
};

}  // namespace auditferry
