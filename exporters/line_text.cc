#include "exporters/line_text.h"

#include "encoding/utf8.h"

namespace auditferry {
namespace {

TextUnit::Kind kind_of(std::string_view bytes) {
  if (bytes == "\n") return TextUnit::Kind::line_end;
  if (bytes == "\r") return TextUnit::Kind::carriage_return;
  if (bytes == "\xC2\x85" || bytes == "\xE2\x80\xA8" || bytes == "\xE2\x80\xA9")
    return TextUnit::Kind::line_separator;
  const auto lead = static_cast<unsigned char>(bytes[0]);
  return lead < 0x20 || lead == 0x7F ? TextUnit::Kind::control : TextUnit::Kind::plain;
}

}  // namespace

TextUnit next_unit(std::string_view& rest) {
  const Utf8Step step = utf8_step(rest.data(), rest.data() + rest.size());
  TextUnit unit;
  unit.bytes = step.valid ? rest.substr(0, step.length) : replacement_character;
  rest.remove_prefix(step.length);
  unit.kind = kind_of(unit.bytes);
  return unit;
}

void escape_line_separators(std::string& json, std::size_t begin) {
  const auto there = [&](std::string_view bytes) { return json.find(bytes, begin) != std::string::npos; };
  if (!there("\x7F") && !there("\xC2\x85") && !there("\xE2\x80\xA8") && !there("\xE2\x80\xA9")) return;
  const std::string text = json.substr(begin);
  json.resize(begin);
  for (std::string_view rest = text; !rest.empty();) {
    const TextUnit unit = next_unit(rest);
    if (unit.bytes == "\x7F") {
      json += "\\u007f";
    } else if (unit.kind != TextUnit::Kind::line_separator) {
      json += unit.bytes;
    } else {
      json += unit.bytes[0] == '\xC2' ? "\\u0085" : unit.bytes[2] == '\xA8' ? "\\u2028" : "\\u2029";
    }
  }
}

std::string one_line_text(std::string_view text, std::size_t max_bytes, std::string_view also) {
  std::string out;
  while (!text.empty()) {
    const TextUnit unit = next_unit(text);
    const bool blank = unit.kind != TextUnit::Kind::plain || also.find(unit.bytes) != std::string_view::npos;
    const std::string_view bytes = blank ? std::string_view(" ") : unit.bytes;
    if (out.size() + bytes.size() > max_bytes) break;
    out += bytes;
  }
  return out;
}

std::string world_id(const Record& record) {
  std::string id;
  if (!record.vendor.empty() || !record.stream.empty() || !record.gap) {
    for (const std::string_view part : {record.vendor, record.tenant, record.stream}) {
      id += part;
      id += '/';
    }
  }
  id += record.id;
  if (record.revision >= 2) id += '@' + std::to_string(record.revision);
  return id;
}

std::int64_t epoch_milliseconds(WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

}  // namespace auditferry
