#include "exporters/text_template.h"

#include <algorithm>
#include <utility>

#include "config/nearest_name.h"
#include "encoding/time_format.h"
#include "exporters/path_template.h"

namespace auditferry {
namespace {

constexpr const char* names[] = {"", "source", "vendor", "tenant", "stream", "date"};

}  // namespace

Result<TextTemplate> TextTemplate::parse(std::string_view text) {
  const auto invalid = [](std::string message) { return Error{ErrorKind::invalid, std::move(message)}; };
  TextTemplate result;
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F)
      return invalid("holds a control character");
    if (text[i] == '}') return invalid("there is a '}' without a '{' before it");
    if (text[i] != '{') {
      plain += text[i];
      continue;
    }
    const std::size_t end = text.find('}', i);
    if (end == text.npos) return invalid("there is a '{' without a '}' after it");
    const std::string_view name = text.substr(i + 1, end - i - 1);
    const auto known = std::find(std::begin(names) + 1, std::end(names), name);
    if (known == std::end(names)) {
      const std::vector<std::string> all(std::begin(names) + 1, std::end(names));
      return invalid("{" + std::string(name) + "} is not a placeholder; " + suggestion(name, all));
    }
    if (!plain.empty()) result.parts_.push_back({Kind::text, std::exchange(plain, {})});
    result.parts_.push_back({static_cast<Kind>(known - std::begin(names)), {}});
    i = end;
  }
  if (!plain.empty()) result.parts_.push_back({Kind::text, std::move(plain)});
  return result;
}

void TextTemplate::append(const Record& record, std::string& out) const {
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::text:
        out += part.text;
        break;
      case Kind::source:
        out += record.source;
        break;
      case Kind::vendor:
        out += record.vendor;
        break;
      case Kind::tenant:
        out += record.tenant;
        break;
      case Kind::stream:
        out += record.stream;
        break;
      case Kind::date:
        out += format_rfc3339(filing_time(record)).substr(0, 10);
        break;
    }
  }
}

std::string TextTemplate::expand(const Record& record) const {
  std::string text;
  append(record, text);
  return text;
}

std::string TextTemplate::pattern() const {
  std::string text;
  for (const Part& part : parts_) text += part.kind == Kind::text ? part.text : "*";
  return text;
}

}  // namespace auditferry
