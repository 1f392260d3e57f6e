#pragma once
// Reads a profile, the description of a vendor's API (core/profile.h; for users: docs/profiles.md).

#include <string>
#include <string_view>
#include <vector>

#include "core/profile.h"
#include "core/result.h"

namespace auditferry {

// Everything is checked here: keys, types, pointers, placeholders, and that the pieces fit together.
// ErrorKind::invalid with all errors, one per line, as in config/toml_problems.h.
Result<Profile> load_profile(std::string_view toml_text, std::string_view file_name);

// The profiles that are compiled into the program. ErrorKind::not_found names those that exist.
Result<Profile> builtin_profile(std::string_view name);
std::vector<std::string> builtin_profile_names();
// The file as it is in sources/profiles; "" for an unknown name.
std::string_view builtin_profile_text(std::string_view name);

}  // namespace auditferry
