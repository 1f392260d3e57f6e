#pragma once
// The checks of a profile's values that need more than their type. Used by profile.cc while it reads.

#include <string>
#include <string_view>
#include <vector>

#include "config/toml_reader.h"
#include "core/profile.h"

namespace auditferry::profile_check {

// The placeholders that requests of this profile may use.
std::vector<std::string> placeholders(const Profile& profile);

// A JSON pointer; '#' only where `embedded`. Errors are reported at `key`.
void pointer(TomlTable& table, std::string_view key, const std::string& value, bool embedded);
void text_template(TomlTable& table, std::string_view key, const std::string& text,
                   const std::vector<std::string>& known);

// That paging, order and request fit together.
void stream(TomlTable& table, const StreamProfile& stream);

}  // namespace auditferry::profile_check
