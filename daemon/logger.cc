#include "daemon/logger.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "encoding/harmless_text.h"
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
  quoted = harmless_json(quoted);
  std::string out;
  // Escapes of control characters are readable; those of quotes are not needed here.
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && (quoted[i + 1] == '"' || quoted[i + 1] == '\\')) ++i;
    out += quoted[i];
  }
  return out;
}

// The priority that syslog(3) and the journal know.
class PriorityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line, const std::tm&, spdlog::memory_buf_t& out) override {
    char priority = '7';
    if (line.level == spdlog::level::info) priority = '6';
    if (line.level == spdlog::level::warn) priority = '4';
    if (line.level == spdlog::level::err) priority = '3';
    const char text[] = {'<', priority, '>'};
    out.append(text, text + sizeof(text));
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override { return std::make_unique<PriorityFlag>(); }
};

}  // namespace

bool is_journal_stream(int descriptor, const char* journal_stream) {
  if (journal_stream == nullptr) return false;
  struct stat about {};
  if (::fstat(descriptor, &about) != 0) return false;
  return journal_stream == std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino);
}

bool standard_error_is_the_journal() { return is_journal_stream(STDERR_FILENO, std::getenv("JOURNAL_STREAM")); }

struct StderrLog::State {
  State() : logger("auditferry", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_level(spdlog::level::trace);
    logger.flush_on(spdlog::level::trace);
  }
  spdlog::logger logger;
};

StderrLog::StderrLog(LogLevel level, bool json, bool to_journal) : level_(level), json_(json), state_(std::make_unique<State>()) {
  std::string pattern = json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
  if (to_journal) pattern = json ? "%*" + pattern : "%*%l %v";
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<PriorityFlag>('*').set_pattern(pattern);
  state_->logger.set_formatter(std::move(formatter));
}

StderrLog::~StderrLog() = default;

void StderrLog::write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  std::string line;
  if (json_) {
    JsonObject object;
    object.text("message", message);
    for (const LogField& field : fields) object.text(field.key, field.value);
    line = harmless_json(object.finish());
    line = line.substr(1, line.size() - 2);  // the pattern has the braces
  } else {
    line = harmless(message);
    for (const LogField& field : fields) line += " " + field.key + "=" + harmless(field.value);
  }
  state_->logger.log(level_of(level), spdlog::string_view_t(line));
}

}  // namespace auditferry
