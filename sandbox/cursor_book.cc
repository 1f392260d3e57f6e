#include "sandbox/cursor_book.h"

#include <utility>

namespace auditferry {

std::string CursorBook::issue(SandboxCursor cursor, WallTime now, bool as_number) {
  // An odd multiplier is a bijection of 64-bit numbers: opaque, and never the same twice.
  const std::uint64_t number = ++issued_;
  const std::uint64_t opaque = (number ^ (seed_ << 32)) * 0x9e3779b97f4a7c15ULL;
  std::string text;
  if (as_number) {
    text = std::to_string(1'000'000'007ULL + number * 13);
  } else {
    static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
    text.push_back('c');  // assigning "c" draws a false -Wrestrict from g++ 12
    for (int shift = 60; shift >= 0; shift -= 5) text += letters[(opaque >> shift) & 31];
    text += "==";
  }
  entries_[text] = Entry{std::move(cursor), now, number};
  return text;
}

CursorVerdict CursorBook::redeem(std::string_view text, WallTime now, SandboxCursor& found) {
  const auto entry = entries_.find(std::string(text));
  if (entry == entries_.end()) return CursorVerdict::unknown;
  found = entry->second.cursor;
  const bool too_old = options_.lifetime.count() > 0 && now - entry->second.issued > options_.lifetime;
  std::uint32_t& uses = uses_[found.chain];
  const bool used_up = options_.uses > 0 && uses >= options_.uses;
  if (too_old || used_up || entry->second.number < expired_before_) return CursorVerdict::expired;
  ++uses;
  return CursorVerdict::good;
}

}  // namespace auditferry
