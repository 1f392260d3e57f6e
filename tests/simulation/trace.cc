#include "tests/simulation/trace.h"

#include <cstdio>

namespace auditferry::simulation {
namespace {

constexpr std::size_t lines_kept = 60;

}  // namespace

void Trace::note(std::string_view line) {
  std::string text = std::to_string(clock_.steady_now().time_since_epoch().count() / 1000) + " ms " + std::string(line);
  for (std::size_t at = folder_.empty() ? std::string::npos : text.find(folder_); at != std::string::npos; at = text.find(folder_, at)) text.erase(at, folder_.size());
  // FNV-1a.
  for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  if (loud_) std::fprintf(stderr, "%s\n", text.c_str());
  last_.push_back(std::move(text));
  if (last_.size() > lines_kept) last_.pop_front();
}

void Trace::write(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  std::string line = level == LogLevel::error ? "ERROR " : level == LogLevel::warn ? "WARN " : "INFO ";
  line += message;
  for (const LogField& field : fields) line += " " + field.key + "=" + field.value;
  note(line);
}

std::string Trace::tail() const {
  std::string text;
  for (const std::string& line : last_) text += line + "\n";
  return text;
}

}  // namespace auditferry::simulation
