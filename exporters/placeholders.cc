#include "exporters/placeholders.h"

#include <algorithm>
#include <utility>

#include "config/nearest_name.h"

namespace auditferry {
namespace {

Error not_a_template(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

}  // namespace

Result<std::vector<PlaceholderPart>> parse_placeholders(std::string_view text, std::span<const char* const> names) {
  std::vector<PlaceholderPart> parts;
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '}') return not_a_template("there is a '}' without a '{' before it");
    if (text[i] != '{') {
      plain += text[i];
      continue;
    }
    const std::size_t end = text.find('}', i);
    if (end == std::string_view::npos) return not_a_template("there is a '{' without a '}' after it");
    const std::string_view name = text.substr(i + 1, end - i - 1);
    const auto known = std::find(names.begin() + 1, names.end(), name);
    if (known == names.end()) {
      const std::vector<std::string> all(names.begin() + 1, names.end());
      return not_a_template("{" + std::string(name) + "} is not a placeholder; " + suggestion(name, all));
    }
    if (!plain.empty()) parts.push_back({0, std::exchange(plain, {})});
    parts.push_back({static_cast<std::size_t>(known - names.begin()), {}});
    i = end;
  }
  if (!plain.empty()) parts.push_back({0, std::move(plain)});
  return parts;
}

bool holds_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace auditferry
