#pragma once
// The real program against the simulated portal over loopback.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "core/record.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "net/system_clock.h"
#include "sandbox/portal_server.h"
#include "sandbox/verify.h"
#include "storage/snapshot.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {

// How much a test does: the variable is set for its long mode.
inline std::size_t long_mode(const char* variable, std::size_t otherwise) {
  const char* given = std::getenv(variable);
  return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

// How long a test waits for what should come at once: sanitizers and busy machines are slow.
inline constexpr std::chrono::seconds patience(150);

class ProcessTest : public testing::Test {
 protected:
  explicit ProcessTest(const PortalOptions& wanted = options()) : portal_(wanted, [this] { return clock_.now(); }), server_(portal_, {}) {
    EXPECT_TRUE(server_.start().ok());
    write_config("");
  }
  static PortalOptions options() {
    PortalOptions options;
    for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device}) {
      options.streams[log].rate_per_second = 40;
      options.streams[log].history = std::chrono::seconds(60);
    }
    return options;
  }
  // `more` stands at the end, `of_source` among the keys of the source.
  void write_config(const std::string& more, const std::string& base = "", const std::string& of_source = "",
                    const std::string& tenant = sandbox_tenant) {
    std::ofstream file(config_);
    file << "[daemon]\nstate_dir = \"" << (folder_ / "state") << "\"\nshutdown_timeout = \"10s\"\nlog_level = \"" << log_level_ << "\"\n[admin]\nlisten = \"" << listen_ << "\"\n"
         << "[sources.acme]\nprofile = \"apptego\"\nbase_url = \"" << (base.empty() ? server_.origin() : base) << "/frontend\"\n"
         << "tenant = \"" << tenant << "\"\ncredentials.token_key = { env = \"KEY\" }\ncredentials.token_secret = { env = \"SECRET\" }\n"
         << "streams = [\"audit\", \"device\"]\nrequests_per_minute = 60000\npoll_every = \"200ms\"\nstart = \"-1h\"\nmax_backoff = \"1s\"\n"
         << of_source << "\n[exporters.archive]\ntype = \"file\"\nmax_backoff = \"1s\"\npath = \"" << (folder_ / "records/{stream}.jsonl") << "\"\n"
         << more;
  }
  // `error_path`: where standard error goes by itself; "": where the output goes.
  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments, const std::string& error_path = "") {
    arguments.insert(arguments.begin(), AUDITFERRY_PROGRAM);
    arguments.push_back("--config");
    arguments.push_back(config_);
    std::error_code ignored;
    said_before_ = std::filesystem::exists(folder_ / "output") ? std::filesystem::file_size(folder_ / "output", ignored) : 0;
    std::map<std::string, std::string> variables = environment_;
    variables.insert({{"KEY", sandbox_token_key}, {"SECRET", secret_}});
    return std::make_unique<ChildProcess>(std::move(arguments), std::move(variables), folder_ / "output", error_path);
  }
  static std::string text_of(const std::filesystem::path& path, std::uintmax_t from = 0) {
    std::ifstream file(path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(from));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What the last program said, on both of its outputs.
  std::string said() const { return text_of(folder_ / "output", said_before_); }
  // Now and then an answer that is of no use.
  static Faults misbehaviour(std::initializer_list<FaultKind> kinds = {FaultKind::status, FaultKind::truncated, FaultKind::reset,
                                                                       FaultKind::refuse, FaultKind::success_false}) {
    Faults faults;
    for (const FaultKind kind : kinds) {
      RandomFault fault;
      fault.rate = 0.02;
      fault.fault.kind = kind;
      faults.random.push_back(fault);
    }
    return faults;
  }
  // From now on the portal answers nothing else.
  void break_every_answer(FaultKind kind, const std::string& body = "") {
    Fault fault;
    fault.kind = kind;
    fault.body = body;
    break_every_answer(fault);
  }
  void break_every_answer(const Fault& fault) {
    RandomFault always;
    always.rate = 1;
    always.fault = fault;
    Faults faults;
    faults.random.push_back(always);
    portal_.set_faults(faults);
  }
  int finish(std::vector<std::string> arguments) {
    auto process = start(std::move(arguments));
    const std::optional<int> status = process->wait(std::chrono::seconds(120));
    EXPECT_TRUE(status.has_value()) << process->output();
    return status.value_or(-1);
  }
  std::uint64_t bytes_of_records() const {
    std::uint64_t bytes = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "records", ignored)) bytes += entry.file_size(ignored);
    return bytes;
  }
  template <class Condition>
  bool eventually(Condition condition, std::chrono::seconds limit = patience) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < until) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  // The ids, as exporters have them, of everything the portal has made.
  std::vector<std::string> made_ids() {
    std::vector<std::string> made;
    for (const std::string stream : {"audit", "device"}) {
      for (const RecordInfo& record : portal_.all_records(stream)) made.push_back(std::string("apptego/") + sandbox_tenant + "/" + stream + "/" + record.id);
    }
    return made;
  }
  // Everything the portal ever showed is in the files, each record once, in the order of its number, and the
  // books balance.
  void expect_equal_sets(const std::string& said) {
    const std::vector<std::string> made = made_ids();
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "records")) files.push_back(entry.path());
    const Result<Comparison> comparison = compare_files(files, made);
    ASSERT_TRUE(comparison.ok()) << comparison.error().message;
    EXPECT_EQ(comparison->missing, 0u) << comparison->example << "\n" << said;
    EXPECT_EQ(comparison->twice, 0u) << comparison->example;
    EXPECT_EQ(comparison->unknown, 0u) << comparison->example;
    EXPECT_EQ(comparison->out_of_order, 0u) << comparison->example;
    EXPECT_GT(comparison->made, 100u);
    expect_order_within_walks();
    JournalSnapshot snapshot;
    expect_all_delivered(snapshot);
    EXPECT_EQ(snapshot.exporters.size(), 1u);
  }
  // The journal is sound and has no gaps, and every exporter has got all of it.
  void expect_all_delivered(JournalSnapshot& snapshot) {
    Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    const Result<std::vector<std::string>> findings = (*reader)->check();
    ASSERT_TRUE(findings.ok());
    EXPECT_TRUE(findings->empty()) << findings->front();
    Result<JournalSnapshot> taken = (*reader)->snapshot();
    ASSERT_TRUE(taken.ok());
    snapshot = std::move(taken).value();
    EXPECT_TRUE(snapshot.gaps.empty());
    for (const ExporterRow& row : snapshot.exporters) EXPECT_EQ(row.books.delivered, snapshot.last_seq) << row.name;
  }

  // Ascending (time, id) within what one walk published: the ledger says up to which number each walk went.
  void expect_order_within_walks() {
    Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    const JournalSnapshot snapshot = (*reader)->snapshot().value();
    for (const StreamSnapshot& stream : snapshot.streams) {
      if (stream.books.journaled == 0) continue;  // a tenant that was configured by mistake
      std::set<std::uint64_t> ends;
      const LedgerFilter filter{stream.stream_id, std::nullopt, std::nullopt};
      ASSERT_TRUE((*reader)->ledger(filter, [&](const LedgerRow& row) {
        if (row.kind == "walk") ends.insert(static_cast<std::uint64_t>(JsonView(row.detail).find("last_seq")->as_int64().value_or(0)));
      }).ok());
      ASSERT_FALSE(ends.empty());
      expect_ascending(folder_ / ("records/" + stream.identity.stream + ".jsonl"), ends);
    }
  }
  static void expect_ascending(const std::string& path, const std::set<std::uint64_t>& ends) {
    std::ifstream file(path, std::ios::binary);
    std::size_t compared = 0;
    std::uint64_t walk = 0;
    std::optional<WallTime> time;
    std::string id;
    for (std::string line; std::getline(file, line);) {
      const JsonView view(line);
      const auto seq = static_cast<std::uint64_t>(view.find("seq")->as_int64().value_or(0));
      const auto end = ends.lower_bound(seq);
      const std::uint64_t walk_of_line = end == ends.end() ? 0 : *end;
      // A record without a time stands first.
      const std::optional<JsonView> given = view.find("time");
      const std::optional<WallTime> time_of_line = given ? parse_rfc3339(given->scalar_text()) : std::nullopt;
      const std::string full_id = view.find("id")->scalar_text();
      std::string id_of_line = full_id.substr(full_id.rfind('/') + 1);
      id_of_line.resize(std::min(id_of_line.find('@'), id_of_line.size()));  // revisions of a record stand where it does
      if (walk_of_line == walk) {
        ++compared;
        const bool ascends = time < time_of_line || (time == time_of_line && !id_less(id_of_line, id));
        EXPECT_TRUE(ascends) << path << ": " << full_id << " after " << id << ": " << line;
      }
      walk = walk_of_line;
      time = time_of_line;
      id = id_of_line;
    }
    EXPECT_GT(compared, 50u) << path;
  }

  TemporaryFolder folder_;
  std::uintmax_t said_before_ = 0;
  std::string log_level_ = "info";
  std::string listen_;                              // admin.listen; "": off
  std::string secret_ = sandbox_token_secret;
  std::map<std::string, std::string> environment_;  // of the programs that are started, beside the credentials
  const std::string config_ = folder_ / "auditferry.toml";
  SystemClock clock_;
  Portal portal_;
  PortalServer server_;
};

}  // namespace auditferry
