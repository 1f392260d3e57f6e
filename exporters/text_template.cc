#include "exporters/text_template.h"

#include <utility>

#include "encoding/time_format.h"
#include "exporters/path_template.h"
#include "exporters/placeholders.h"

namespace auditferry {
namespace {

// In the order of TextTemplate::Kind.
constexpr const char* names[] = {"", "source", "vendor", "tenant", "stream", "date"};

}  // namespace

Result<TextTemplate> TextTemplate::parse(std::string_view text) {
  if (holds_control_character(text)) return Error{ErrorKind::invalid, "holds a control character"};
  Result<std::vector<PlaceholderPart>> parts = parse_placeholders(text, names);
  if (!parts) return std::move(parts).error();
  TextTemplate result;
  for (PlaceholderPart& part : *parts) result.parts_.push_back({static_cast<Kind>(part.name), std::move(part.text)});
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
