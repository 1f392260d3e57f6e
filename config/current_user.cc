#include "config/current_user.h"

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace auditferry {

std::string current_user() {
  struct passwd entry {};
  struct passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  const uid_t number = geteuid();
  if (getpwuid_r(number, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return "number " + std::to_string(number);
}

}  // namespace auditferry
