#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/record.h"
#include "core/result.h"

namespace auditferry {

// A text with {source} {vendor} {tenant} {stream} {date}: the labels and index names of sinks. A value:
// copyable, thread-safe.
class TextTemplate {
 public:
  TextTemplate() = default;
  // ErrorKind::invalid with the words for the configuration's author.
  static Result<TextTemplate> parse(std::string_view text);

  bool empty() const { return parts_.empty(); }
  // Whether the record has a value for every placeholder. A gap that is an exporter's belongs to no source or
  // stream, and a source can be without a tenant.
  bool filled_by(const Record& record) const;
  // Values as they are; "auditferry" where the record has none. The date (2025-11-23) is UTC, by filing_time().
  void append(const Record& record, std::string& out) const;
  std::string expand(const Record& record) const;
  // Every placeholder as '*'.
  std::string pattern() const;
  friend bool operator==(const TextTemplate&, const TextTemplate&) = default;

 private:
  enum class Kind { text, source, vendor, tenant, stream, date };
  struct Part {
    Kind kind;
    std::string text;
    friend bool operator==(const Part&, const Part&) = default;
  };
  static std::string_view value_of(Kind kind, const Record& record);
  std::vector<Part> parts_;
};

}  // namespace auditferry
