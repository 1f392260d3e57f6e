// What the real program writes where: records and results on standard output, everything else on standard error.

#include <gtest/gtest.h>

#include "tests/process_fixture.h"

namespace auditferry {
namespace {

class OutputsTest : public ProcessTest {
 protected:
  OutputsTest() { portal_.stop_making(); }
  // Runs a command to its end, with the two outputs apart; fills out_ and error_.
  std::optional<int> run_apart(std::vector<std::string> arguments) {
    for (const char* file : {"output", "error"}) std::filesystem::remove(folder_ / file);
    auto process = start(std::move(arguments), folder_ / "error");
    const std::optional<int> status = process->wait(std::chrono::seconds(120));
    out_ = text_of(folder_ / "output");
    error_ = text_of(folder_ / "error");
    return status;
  }

  std::string out_;
  std::string error_;
};

TEST_F(OutputsTest, AnExporterOfTypeStdoutWritesRecordsThereAndNothingElseDoes) {
  log_level_ = "trace";
  write_config("[exporters.pipe]\ntype = \"stdout\"\n");
  EXPECT_EQ(run_apart({"run", "--once"}), 0) << error_;
  const Result<Comparison> comparison = compare_files({folder_ / "output"}, made_ids());
  ASSERT_TRUE(comparison.ok());
  EXPECT_TRUE(comparison->equal()) << comparison->example;
  EXPECT_GT(comparison->in_files, 100u);
  EXPECT_EQ(out_.back(), '\n');
  EXPECT_NE(error_.find(" runs: 2 streams, 2 exporters"), std::string::npos) << error_;
  EXPECT_EQ(error_.find("{\"id\":\"apptego/"), std::string::npos);
  // The file beside it holds the same.
  expect_order_within_walks();
}

TEST_F(OutputsTest, ErrorsOfCommandsGoToStandardErrorInOneLine) {
  struct Wrong {
    std::vector<std::string> command;
    int status;
    const char* words;
  };
  const auto try_all = [this](const std::vector<Wrong>& all) {
    for (const Wrong& wrong : all) {
      SCOPED_TRACE(wrong.command.front() + " " + wrong.words);
      EXPECT_EQ(run_apart(wrong.command), wrong.status) << out_ << error_;
      EXPECT_EQ(out_, "");
      EXPECT_TRUE(error_.starts_with("auditferry: ")) << error_;
      EXPECT_EQ(std::count(error_.begin(), error_.end(), '\n'), 1) << error_;
      EXPECT_NE(error_.find(wrong.words), std::string::npos) << error_;
    }
  };
  try_all({{{"status"}, 1, "there is no journal"},
           {{"ledger"}, 1, "there is no journal"},
           {{"replay", "--exporter", "archive", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z"}, 1, "there is no journal"},
           {{"gaps", "accept", "1", "--reason", "x"}, 1, "there is no journal"},
           {{"dead-letters", "discard", "--all"}, 1, "there is no journal"},
           {{"ledger", "--from", "yesterday"}, 2, "write for example 2025"},
           {{"journal", "check"}, 1, "there is no journal"},
           {{"run", "--once", "--timeout", "soon"}, 2, "write for example 10m"},
           {{"backfill", "--source", "acne", "--from", "2025-01-01T00:00:00Z", "--to", "2025-01-02T00:00:00Z"}, 2, "did you mean \"acme\""},
           {{"replay", "--exporter", "archives", "--from", "2025-01-01T00:00:00Z", "--to", "2025-01-02T00:00:00Z"}, 2, "archive"},
           {{"health"}, 1, "daemon"},
           {{"run", "--no-such-option"}, 2, "--no-such-option"}});
  std::ofstream(config_) << "[daemon]\nstate_dirr = \"x\"\n";
  try_all({{{"check"}, 2, "did you mean \"state_dir\""}, {{"run"}, 2, "did you mean \"state_dir\""}});
}

}  // namespace
}  // namespace auditferry
