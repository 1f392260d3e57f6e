#include "daemon/message_kind.h"

#include <cctype>

namespace auditferry {
namespace {

bool part_of_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

std::string message_kind(std::string_view message) {
  std::string out;
  for (std::size_t begin = 0; begin < message.size();) {
    std::size_t end = begin;
    bool digit = false;
    while (end < message.size() && part_of_word(message[end])) {
      digit = digit || (message[end] >= '0' && message[end] <= '9');
      ++end;
    }
    if (digit) {
      out += '#';
    } else {
      out += message.substr(begin, end - begin);
    }
    if (end < message.size()) out += message[end++];
    begin = end;
  }
  return out;
}

}  // namespace auditferry
