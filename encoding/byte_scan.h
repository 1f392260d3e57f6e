#pragma once
// Finding the next interesting byte of JSON text, eight bytes at a time. Every function stays inside
// [p, end) and returns `end` when there is nothing.

#include <bit>
#include <cstdint>
#include <cstring>

namespace auditferry::byte_scan {

constexpr std::uint64_t ones = 0x0101010101010101u;
constexpr std::uint64_t highs = 0x8080808080808080u;

// ThreadSanitizer takes each unaligned word for a range of memory and is slow with it: a fifth of many a test. What is
// scanned is one thread's own text.
__attribute__((no_sanitize("thread"))) inline std::uint64_t load(const char* p) {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// The high bit of each byte that is zero. Bytes above the first hit may be marked wrongly, so only the
// lowest mark counts.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - ones) & ~word & highs;
}
constexpr std::uint64_t bytes_equal(std::uint64_t word, unsigned char byte) {
  return zero_bytes(word ^ (ones * byte));
}

// The next byte that does not stand for itself inside a JSON string: a quote, a backslash, a control
// character, or anything outside ASCII.
inline const char* string_special(const char* p, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; end - p >= 8; p += 8) {
      const std::uint64_t word = load(p);
      const std::uint64_t controls = (word - ones * 0x20) & ~word & highs;
      const std::uint64_t marks =
          controls | bytes_equal(word, '"') | bytes_equal(word, '\\') | (word & highs);
      if (marks != 0) return p + std::countr_zero(marks) / 8;
    }
  }
  for (; p != end; ++p) {
    const auto byte = static_cast<unsigned char>(*p);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') break;
  }
  return p;
}

inline const char* quote_or_backslash(const char* p, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; end - p >= 8; p += 8) {
      const std::uint64_t word = load(p);
      const std::uint64_t marks = bytes_equal(word, '"') | bytes_equal(word, '\\');
      if (marks != 0) return p + std::countr_zero(marks) / 8;
    }
  }
  while (p != end && *p != '"' && *p != '\\') ++p;
  return p;
}

// `p` is behind the opening quote; returns the position behind the closing one.
inline const char* skip_string(const char* p, const char* end) {
  while (true) {
    p = quote_or_backslash(p, end);
    if (p == end) return end;
    if (*p == '"') return p + 1;
    if (end - p < 2) return end;
    p += 2;
  }
}

}  // namespace auditferry::byte_scan
