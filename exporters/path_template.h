#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.h"
#include "core/result.h"

namespace auditferry {

// The time that decides on a record's file: its own, else when it was received.
inline WallTime filing_time(const Record& record) {
  return record.has_time ? record.time : record.received;
}

// A path with {source} {stream} {tenant} {date} {hour}. A value: copyable, thread-safe.
class PathTemplate {
 public:
  // ErrorKind::invalid with the words for the configuration's author.
  static Result<PathTemplate> parse(std::string_view text);

  // Date (2025-11-23) and hour (00 to 23) are UTC, by filing_time().
  std::string expand(const Record& record) const;
  // True when both records certainly go to the same path; cheap.
  bool same_path(const Record& a, const Record& b) const;
  // The end of the day or hour that the path of this record stands for; the end of time if it has neither.
  WallTime period_end(const Record& record) const;
  // The folder that is known without a record, for example "/var/log" of "/var/log/{stream}/x.jsonl".
  std::string fixed_folder() const;

 private:
  enum class Kind { text, source, stream, tenant, date, hour };
  struct Part {
    Kind kind;
    std::string text;
  };
  bool uses(Kind kind) const;
  std::vector<Part> parts_;
};

// What a value becomes as part of a path: one component of at most 120 bytes without '/', control
// characters, invalid UTF-8 or a '.' at its beginning. A longer one keeps its beginning and a hash.
std::string safe_component(std::string_view value);

// The name of the n-th file: "x.jsonl", "x.1.jsonl", "x.2.jsonl"; without an extension "x", "x.1".
std::string numbered_path(const std::string& path, std::uint64_t number);

// The folder of a path, "." when it names none.
std::string folder_of(const std::string& path);

}  // namespace auditferry
