#include "exporters/syslog_severity.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "encoding/json_view.h"

namespace auditferry {
namespace {

constexpr std::array<std::string_view, 16> failures = {
    "false", "no",      "0",        "failure", "failed", "fail",         "error",     "denied",
    "deny",  "refused", "rejected", "blocked", "block",  "unauthorized", "forbidden", "unsuccessful"};

}  // namespace

bool outcome_is_failure(std::string_view outcome) {
  if (outcome.size() > 32) return false;
  std::string lower(outcome);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  if (std::find(failures.begin(), failures.end(), lower) != failures.end()) return true;
  const bool status = lower.size() == 3 && (lower[0] == '4' || lower[0] == '5') &&
                      std::all_of(lower.begin(), lower.end(), [](char c) { return c >= '0' && c <= '9'; });
  return status;
}

SyslogSeverityOf syslog_severity_of(const SyslogSeverities& severities, const ProfileBook* profiles) {
  return [severities, profiles](const Record& record) {
    if (record.gap) return severities.gap;
    const StreamProfile* stream = profiles ? profiles->stream(record.vendor, record.stream) : nullptr;
    if (!stream) return severities.usual;
    if (stream->kind == "detection") return severities.detection;
    if (stream->fields.outcome.empty()) return severities.usual;
    const std::optional<std::string> outcome = json_lookup(record.raw, stream->fields.outcome);
    if (!outcome) return severities.usual;
    const std::optional<std::string> text = JsonView(*outcome).scalar_text();
    return text && outcome_is_failure(*text) ? severities.failure : severities.usual;
  };
}

}  // namespace auditferry
