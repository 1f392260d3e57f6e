#include "daemon/logger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encoding/json_scanner.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

// What is written to standard error.
std::string said(bool json, bool to_journal, LogLevel level, const std::string& message, const std::vector<LogField>& fields) {
  testing::internal::CaptureStderr();
  {
    StderrLog log(LogLevel::info, json, to_journal);
    if (log.enabled(level)) log.write(level, message, fields);
  }
  return testing::internal::GetCapturedStderr();
}

TEST(StderrLog, WritesTextWithTimeLevelAndFields) {
  const std::string line = said(false, false, LogLevel::warn, "slow", {{"source", "acme"}, {"request_id", "r1"}});
  EXPECT_EQ(line.substr(4, 1), "-") << line;
  EXPECT_NE(line.find("Z warning slow source=acme request_id=r1\n"), std::string::npos) << line;
}

TEST(StderrLog, WritesOneJsonObjectALine) {
  const std::string line = said(true, false, LogLevel::error, "a \"quoted\"\nline", {{"exporter", "siem"}});
  EXPECT_TRUE(scan_json(line.substr(0, line.size() - 1)).ok()) << line;
  EXPECT_NE(line.find(R"("level":"error","message":"a \"quoted\"\nline","exporter":"siem")"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(StderrLog, GivesTheJournalPrioritiesAndNoTimeOfItsOwn) {
  EXPECT_EQ(said(false, true, LogLevel::info, "begins", {}), "<6>info begins\n");
  EXPECT_EQ(said(false, true, LogLevel::warn, "slow", {{"source", "acme"}}), "<4>warning slow source=acme\n");
  EXPECT_EQ(said(false, true, LogLevel::error, "broken", {}), "<3>error broken\n");
  EXPECT_EQ(said(true, true, LogLevel::error, "broken", {}).substr(0, 12), "<3>{\"time\":\"");
}

TEST(StderrLog, NothingFromOutsideForgesALineOrAPriority) {
  const std::string line = said(false, true, LogLevel::info, "portal said: x\n<3>error forged \x1b[31m", {{"source", "a\nb"}});
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

// U+009B begins an escape sequence as ESC [ does; U+202E turns what follows around; U+2028 ends a line.
TEST(StderrLog, ControlsAndMarksBeyondAsciiAreEscapedInBothForms) {
  const std::string outside = "\xC2\x9B[31m \xE2\x80\xAE \xE2\x80\xA8 \x7f \xE2\x81\xA6 \xC3\xA9 \x9b";
  const std::string escaped = "\\u009b[31m \\u202e \\u2028 \\u007f \\u2066 \xC3\xA9 \xEF\xBF\xBD";
  EXPECT_EQ(said(false, true, LogLevel::info, outside, {{"name", outside}}), "<6>info " + escaped + " name=" + escaped + "\n");
  const std::string json = said(true, false, LogLevel::info, outside, {{"name", outside}});
  EXPECT_NE(json.find("\"message\":\"" + escaped + "\",\"name\":\"" + escaped + "\"}"), std::string::npos) << json;
  EXPECT_TRUE(scan_json(json.substr(0, json.size() - 1)).ok());
}

TEST(JournalStream, IsTheOneThatTheVariableNames) {
  TemporaryFolder folder;
  const int file = ::open((folder / "stream").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  struct stat about {};
  ASSERT_EQ(::fstat(file, &about), 0);
  const std::string named = std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino);
  EXPECT_TRUE(is_journal_stream(file, named.c_str()));
  // The variable is inherited by those whose output leads elsewhere.
  EXPECT_FALSE(is_journal_stream(file, (named + "1").c_str()));
  EXPECT_FALSE(is_journal_stream(file, nullptr));
  EXPECT_FALSE(is_journal_stream(file, ""));
  ::close(file);
  EXPECT_FALSE(is_journal_stream(file, named.c_str()));
}

}  // namespace
}  // namespace auditferry
