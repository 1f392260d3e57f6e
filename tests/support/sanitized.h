#pragma once
// Sanitizers look at memory and at threads, for which a share of the rounds is enough; and they make everything many
// times slower.

namespace auditferry {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

// How much a test does: `plain`, but `few` in a program that is built with a sanitizer.
template <class Number>
constexpr Number rounds(Number plain, Number few) {
  return sanitized ? few : plain;
}

}  // namespace auditferry
