#pragma once

#include <cctype>
#include <string>

namespace auditferry {

// Numbers, addresses and ports are examples: every run of digits becomes '#'.
inline std::string without_numbers(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (!digit) result += c;
    if (digit && (result.empty() || result.back() != '#')) result += '#';
  }
  return result;
}

}  // namespace auditferry
