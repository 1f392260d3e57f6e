#include "exporters/path_template.h"

#include <algorithm>

#include "encoding/hash.h"
#include "encoding/time_format.h"
#include "encoding/utf8.h"
#include "exporters/placeholders.h"

namespace auditferry {
namespace {

constexpr std::size_t max_component_bytes = 120;
// In the order of PathTemplate::Kind.
constexpr const char* names[] = {"", "source", "stream", "tenant", "date", "hour"};

void append_padded(std::string& out, unsigned value, int width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < static_cast<std::size_t>(width))
    out.append(static_cast<std::size_t>(width) - digits.size(), '0');
  out += digits;
}

Error invalid(std::string message) {
  return {ErrorKind::invalid, std::move(message)};
}

}  // namespace

Result<PathTemplate> PathTemplate::parse(std::string_view text) {
  if (text.empty())
    return invalid("a path is needed, for example \"/var/log/auditferry/{source}-{stream}-{date}.jsonl\"");
  if (text.back() == '/') return invalid("the path must end in the name of a file, not in '/'");
  if (holds_control_character(text)) return invalid("the path holds a control character");
  Result<std::vector<PlaceholderPart>> parts = parse_placeholders(text, names);
  if (!parts) return std::move(parts).error();
  PathTemplate result;
  for (PlaceholderPart& part : *parts) result.parts_.push_back({static_cast<Kind>(part.name), std::move(part.text)});
  if (result.uses(Kind::hour) && !result.uses(Kind::date))
    return invalid("{hour} needs {date} beside it: the same hour comes again every day");
  const std::string_view last = text.substr(text.rfind('/') + 1);
  if (last == "." || last == "..") return invalid("the path must end in the name of a file");
  return result;
}

bool PathTemplate::uses(Kind kind) const {
  return std::any_of(parts_.begin(), parts_.end(), [kind](const Part& part) { return part.kind == kind; });
}

std::string PathTemplate::expand(const Record& record) const {
  const DateParts date = date_parts(filing_time(record));
  std::string path;
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::text:
        path += part.text;
        break;
      case Kind::source:
        path += safe_component(record.source);
        break;
      case Kind::stream:
        path += safe_component(record.stream);
        break;
      case Kind::tenant:
        path += safe_component(record.tenant);
        break;
      case Kind::date:
        append_padded(path, static_cast<unsigned>(date.year), 4);
        path += '-';
        append_padded(path, date.month, 2);
        path += '-';
        append_padded(path, date.day, 2);
        break;
      case Kind::hour:
        append_padded(path, date.hour, 2);
        break;
    }
  }
  return path;
}

bool PathTemplate::same_path(const Record& a, const Record& b) const {
  for (const Part& part : parts_) {
    bool same = true;
    switch (part.kind) {
      case Kind::text:
        break;
      case Kind::source:
        same = a.source == b.source;
        break;
      case Kind::stream:
        same = a.stream == b.stream;
        break;
      case Kind::tenant:
        same = a.tenant == b.tenant;
        break;
      case Kind::date:
      case Kind::hour:
        same = std::chrono::floor<std::chrono::hours>(filing_time(a)) ==
               std::chrono::floor<std::chrono::hours>(filing_time(b));
        break;
    }
    if (!same) return false;
  }
  return true;
}

WallTime PathTemplate::period_end(const Record& record) const {
  const WallTime time = std::clamp(filing_time(record), from_micros(-(std::int64_t{1} << 56)),
                                   from_micros(std::int64_t{1} << 58));
  if (uses(Kind::hour)) return std::chrono::floor<std::chrono::hours>(time) + std::chrono::hours(1);
  if (uses(Kind::date)) return std::chrono::floor<std::chrono::days>(time) + std::chrono::days(1);
  return WallTime::max();
}

std::string PathTemplate::fixed_folder() const {
  const std::string first =
      !parts_.empty() && parts_.front().kind == Kind::text ? parts_.front().text : std::string();
  return folder_of(first);
}

std::string safe_component(std::string_view value) {
  std::string safe;
  const char* p = value.data();
  const char* const end = p + value.size();
  while (p != end) {
    const Utf8Step step = utf8_step(p, end);
    const auto byte = static_cast<unsigned char>(*p);
    const bool harmless =
        step.valid && byte >= 0x20 && byte != 0x7F && byte != '/' && !(byte == '.' && safe.empty());
    if (harmless) {
      safe.append(p, step.length);
    } else {
      safe += '_';
    }
    p += step.length;
  }
  if (safe.empty()) return "_";
  if (safe.size() <= max_component_bytes) return safe;
  std::size_t cut = max_component_bytes - 17;
  while (cut > 0 && (static_cast<unsigned char>(safe[cut]) & 0xC0) == 0x80) --cut;
  const ShortHash hash = short_hash(value);
  return safe.substr(0, cut) + "~" + hex(std::span<const std::uint8_t>(hash.data(), 8));
}

std::string numbered_path(const std::string& path, std::uint64_t number) {
  if (number == 0) return path;
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  const std::size_t dot = path.rfind('.');
  const std::string digits = "." + std::to_string(number);
  if (dot == std::string::npos || dot <= name) return path + digits;
  return path.substr(0, dot) + digits + path.substr(dot);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace auditferry
