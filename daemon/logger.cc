#include "daemon/logger.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "encoding/json_object.h"

namespace auditferry {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::trace: return spdlog::level::trace;
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Line ends, escape sequences and the like would forge lines or move a terminal's cursor.
std::string harmless(std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);
  std::string out;
  // JSON's escapes of control characters are readable; those of quotes are not needed here.
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && (quoted[i + 1] == '"' || quoted[i + 1] == '\\')) ++i;
    if (quoted[i] == '\x7f') {
      out += "\\u007f";
    } else {
      out += quoted[i];
    }
  }
  return out;
}

}  // namespace

struct StderrLog::State {
  State() : logger("auditferry", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_level(spdlog::level::trace);
    logger.flush_on(spdlog::level::trace);
  }
  spdlog::logger logger;
};

StderrLog::StderrLog(LogLevel level, bool json) : level_(level), json_(json), state_(std::make_unique<State>()) {
  const char* pattern = json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
  state_->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
}

StderrLog::~StderrLog() = default;

void StderrLog::write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  std::string line;
  if (json_) {
    JsonObject object;
    object.text("message", message);
    for (const LogField& field : fields) object.text(field.key, field.value);
    line = object.finish();
    line = line.substr(1, line.size() - 2);  // the pattern has the braces
  } else {
    line = harmless(message);
    for (const LogField& field : fields) line += " " + field.key + "=" + harmless(field.value);
  }
  state_->logger.log(level_of(level), spdlog::string_view_t(line));
}

}  // namespace auditferry
