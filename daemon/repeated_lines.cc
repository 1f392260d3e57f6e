#include "daemon/repeated_lines.h"

#include "daemon/message_kind.h"

namespace auditferry {
namespace {

constexpr Duration watch_every = std::chrono::seconds(10);

std::string kind_of(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  std::string kind = std::to_string(static_cast<int>(level)) + message_kind(message);
  for (const LogField& field : fields) {
    if (field.key == "request_id") continue;
    kind += '\0' + field.key + '=' + field.value;
  }
  return kind;
}

}  // namespace

RepeatedLines::RepeatedLines(Log& inner, Clock& clock, RepeatedLinesLimits limits) : inner_(inner), clock_(clock), limits_(limits) {}

RepeatedLines::~RepeatedLines() {
  const std::lock_guard<std::mutex> lock(mutex_);
  tell(true);
}

void RepeatedLines::write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  if (level < LogLevel::info) {
    inner_.write(level, message, fields);
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string name = kind_of(level, message, fields);
  auto found = kinds_.find(name);
  if (found == kinds_.end()) {
    if (kinds_.size() >= limits_.kinds) tell(false);
    if (kinds_.size() >= limits_.kinds) {
      inner_.write(level, message, fields);
      return;
    }
    found = kinds_.emplace(name, Kind{}).first;
    found->second.since = clock_.steady_now();
  }
  Kind& kind = found->second;
  std::vector<LogField> with_count = fields;
  if (clock_.steady_now() - kind.since >= limits_.window) {
    if (kind.suppressed > 0) with_count.push_back({"suppressed", std::to_string(kind.suppressed)});
    kind.since = clock_.steady_now();
    kind.lines = 0;
    kind.suppressed = 0;
  }
  if (kind.lines < limits_.lines) {
    ++kind.lines;
    inner_.write(level, message, with_count);
    return;
  }
  ++kind.suppressed;
  kind.level = level;
  kind.message = message;
  kind.fields = fields;
}

Task<void> RepeatedLines::watch() {
  for (;;) {
    co_await clock_.sleep(watch_every);
    const std::lock_guard<std::mutex> lock(mutex_);
    tell(false);
  }
}

void RepeatedLines::tell(bool all) {
  const SteadyTime now = clock_.steady_now();
  for (auto at = kinds_.begin(); at != kinds_.end();) {
    if (!all && now - at->second.since < limits_.window) {
      ++at;
      continue;
    }
    if (at->second.suppressed > 0) tell_of(at->second);
    at = kinds_.erase(at);
  }
}

void RepeatedLines::tell_of(const Kind& kind) {
  std::vector<LogField> fields = kind.fields;
  fields.push_back({"suppressed", std::to_string(kind.suppressed)});
  inner_.write(kind.level, std::to_string(kind.suppressed) + (kind.suppressed == 1 ? " more line like this was" : " more lines like this were") +
                               " held back; the last: " + kind.message,
               fields);
}

}  // namespace auditferry
