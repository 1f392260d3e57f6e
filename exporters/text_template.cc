#include "exporters/text_template.h"

#include <algorithm>
#include <utility>

#include "encoding/time_format.h"
#include "exporters/path_template.h"
#include "exporters/placeholders.h"

namespace auditferry {
namespace {

// In the order of TextTemplate::Kind.
constexpr const char* names[] = {"", "source", "vendor", "tenant", "stream", "date"};
constexpr std::string_view own_name = "auditferry";

}  // namespace

Result<TextTemplate> TextTemplate::parse(std::string_view text) {
  if (holds_control_character(text)) return Error{ErrorKind::invalid, "holds a control character"};
  Result<std::vector<PlaceholderPart>> parts = parse_placeholders(text, names);
  if (!parts) return std::move(parts).error();
  TextTemplate result;
  for (PlaceholderPart& part : *parts) result.parts_.push_back({static_cast<Kind>(part.name), std::move(part.text)});
  return result;
}

std::string_view TextTemplate::value_of(Kind kind, const Record& record) {
  switch (kind) {
    case Kind::source:
      return record.source;
    case Kind::vendor:
      return record.vendor;
    case Kind::tenant:
      return record.tenant;
    case Kind::stream:
      return record.stream;
    case Kind::text:
    case Kind::date:
      break;
  }
  return {};
}

bool TextTemplate::filled_by(const Record& record) const {
  return std::none_of(parts_.begin(), parts_.end(), [&record](const Part& part) {
    return part.kind != Kind::text && part.kind != Kind::date && value_of(part.kind, record).empty();
  });
}

void TextTemplate::append(const Record& record, std::string& out) const {
  for (const Part& part : parts_) {
    if (part.kind == Kind::text) {
      out += part.text;
    } else if (part.kind == Kind::date) {
      out += format_rfc3339(filing_time(record)).substr(0, 10);
    } else {
      const std::string_view value = value_of(part.kind, record);
      out += value.empty() ? own_name : value;
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
