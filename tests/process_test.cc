// The real program against the simulated portal over loopback: orderly ends, and ends without warning.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "storage/sqlite.h"
#include "tests/process_fixture.h"
#include "tests/support/raw_socket.h"

namespace auditferry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(ProcessTest, OnceCollectsAndDeliversEverything) {
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  expect_equal_sets("");
}

// Batches wait for company, so that at any moment something is in the journal that was not delivered yet.
TEST_F(ProcessTest, SigtermDeliversWhatIsInTheJournalAndEndsWithZero) {
  write_config("[exporters.archive.batch]\nwait = \"3s\"\n");
  const auto waiting = [&] {
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    std::uint64_t records = 0;
    if (!reader.ok()) return records;
    const JournalSnapshot snapshot = (*reader)->snapshot().value();
    for (const ExporterRow& row : snapshot.exporters) records += row.books.waiting(snapshot.last_seq);
    return records;
  };
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0 && waiting() > 0; })) << process->output();
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(20)), 0) << process->output();
  EXPECT_EQ(waiting(), 0u) << process->output();
  write_config("");
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  expect_equal_sets(process->output());
}

// A long mode has more rounds: AUDITFERRY_ROUNDS=200.
TEST_F(ProcessTest, KillAtRandomMomentsLosesAndDoublesNothing) {
  std::mt19937 random(20251123);
  portal_.set_faults(misbehaviour());
  const std::size_t rounds = long_mode("AUDITFERRY_ROUNDS", 20);
  std::size_t grew = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    auto process = start({"run"});
    if (round % 2 == 0) {
      std::this_thread::sleep_for(milliseconds(20 + random() % 400));
    } else {
      // Right after an output file has grown: written, perhaps synced, not yet confirmed.
      const std::uint64_t before = bytes_of_records();
      grew += eventually([&] { return bytes_of_records() > before; }, seconds(20)) ? 1 : 0;
    }
    process->signal(SIGKILL);
    EXPECT_EQ(process->wait(seconds(10)), 128 + SIGKILL) << process->output();
  }
  EXPECT_GT(grew, rounds / 4) << "of the " << rounds / 2 << " rounds that end in the middle of a delivery";
  portal_.set_faults({});
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  expect_equal_sets("");
}

// The penalty is in the journal, so no life of the program asks before its end.
TEST_F(ProcessTest, KilledInAPenaltyItAsksNothingBeforeItsEnd) {
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << process->output();
  portal_.add_fault({"", 0, 1, rate_limit_fault(seconds(8))});
  const auto kept = [&] {
    const Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(folder_ / "state/journal.db");
    return reader.ok() && !(*reader)->snapshot()->penalties.empty();
  };
  ASSERT_TRUE(eventually(kept)) << process->output();
  const std::vector<SeenRequest> before = portal_.seen_requests();
  const auto refused = std::find_if(before.begin(), before.end(), [](const SeenRequest& request) { return request.status == 429; });
  ASSERT_NE(refused, before.end());
  for (int round = 0; round < 3; ++round) {
    process->signal(SIGKILL);
    EXPECT_EQ(process->wait(seconds(10)), 128 + SIGKILL);
    process = start({"run"});
    EXPECT_TRUE(eventually([&] { return said().find(" runs: ") != std::string::npos; })) << process->output();
    std::this_thread::sleep_for(milliseconds(500));  // more than a poll_every
  }
  const WallTime end = refused->at + seconds(8);
  ASSERT_TRUE(eventually([&] { return portal_.seen_requests().back().at >= end; })) << process->output();
  std::size_t asked = 0;
  for (const SeenRequest& request : portal_.seen_requests()) {
    // The other stream's request may have been under way when the refusal came.
    asked += request.at > refused->at + milliseconds(300) && request.at < end ? 1 : 0;
  }
  EXPECT_EQ(asked, 0u);
}

// What `check --online` (and so `init`) is told is for every later process, too. There is no journal yet.
TEST_F(ProcessTest, AWaitThatCheckMeetsIsObeyedByEveryLaterProcess) {
  portal_.stop_making();
  portal_.add_fault({"/frontend/get_applications", 0, 1, rate_limit_fault(seconds(3600))});
  EXPECT_EQ(finish({"check", "--online"}), 1);
  EXPECT_NE(said().find("asks us to wait, status 429: 60m; try again after that"), std::string::npos) << said();
  const std::size_t asked = portal_.seen_requests().size();
  EXPECT_EQ(finish({"check", "--online"}), 1);
  EXPECT_NE(said().find("has asked us to wait until"), std::string::npos) << said();
  EXPECT_EQ(finish({"run", "--once", "--timeout", "1s"}), 1);
  EXPECT_NE(said().find("the portal's wait from before goes on for "), std::string::npos) << said();
  EXPECT_EQ(portal_.seen_requests().size(), asked);
  EXPECT_EQ(portal_.stats().during_penalty, 0u);
}

TEST_F(ProcessTest, AWaitThatCheckMeetsHoldsTheDaemonBesideIt) {
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << daemon->output();
  Fault limit = status_fault(429);
  limit.retry_after = "3600";
  portal_.add_fault({"/frontend/get_applications", 0, 1, limit});
  EXPECT_EQ(finish({"check", "--online"}), 1);
  ASSERT_TRUE(eventually([&] { return daemon->output().find("the portal's wait from before goes on for ") != std::string::npos; })) << daemon->output();
  // What was under way comes to its end, however slow this machine is; then there is nothing, though polls are due every
  // 200 ms. Real time on purpose: this is the real program's clock.
  std::size_t asked = 0;
  const auto a_second_without_a_request = [&] {
    asked = portal_.seen_requests().size();
    std::this_thread::sleep_for(seconds(1));
    return portal_.seen_requests().size() == asked;
  };
  ASSERT_TRUE(eventually(a_second_without_a_request)) << daemon->output();
  std::this_thread::sleep_for(seconds(1));
  EXPECT_EQ(portal_.seen_requests().size(), asked);
}

TEST_F(ProcessTest, ABackfillDoesNotAskWhereTheWaitsCannotBeRead) {
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0) << said();
  Database(folder_ / "state/journal.db", Database::Mode::create).execute("ALTER TABLE penalty RENAME TO lost");
  const std::size_t asked = portal_.seen_requests().size();
  const WallTime now = clock_.now();
  EXPECT_EQ(finish({"backfill", "--source", "acme", "--from", format_rfc3339(now - std::chrono::hours(1)), "--to", format_rfc3339(now)}), 1);
  EXPECT_NE(said().find("the waits that portals have asked for cannot be read"), std::string::npos) << said();
  EXPECT_EQ(portal_.seen_requests().size(), asked);
}

TEST_F(ProcessTest, ASecondDaemonIsRefusedAndTheFirstGoesOn) {
  auto first = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << first->output();
  EXPECT_EQ(finish({"run"}), 1);
  EXPECT_NE(first->output().find("only one auditferry may run on it"), std::string::npos);
  EXPECT_TRUE(first->runs());
}

TEST_F(ProcessTest, ASecondSigtermEndsAtOnceWhileThePortalHangs) {
  break_every_answer(FaultKind::hang);
  // An exporter that cannot deliver keeps the drain from ending.
  write_config("[exporters.blocked]\ntype = \"file\"\npath = \"/proc/none/x\"\n");
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return process->output().find(" runs: ") != std::string::npos; })) << process->output();
  process->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return process->output().find("ending: ") != std::string::npos || !process->runs(); }));
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(5)), 0) << process->output();
}

// The look-up of a name blocks a thread that nothing can end but the end of the process.
TEST_F(ProcessTest, ASecondSigtermEndsAtOnceWhileALookUpHangsAndNothingIsLost) {
  auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << process->output();
  process->signal(SIGKILL);
  EXPECT_EQ(process->wait(seconds(10)), 128 + SIGKILL);
  write_config("", "https://portal.example.com");
  const std::string asked = folder_ / "asked";
  environment_ = {{"LD_PRELOAD", HANGING_LOOK_UP}, {"LOOK_UP_BEGUN", asked}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
  process = start({"run"});
  environment_.clear();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(asked); })) << process->output();
  process->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return process->output().find("ending: ") != std::string::npos || !process->runs(); }));
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(5)), 0) << process->output();
  write_config("");
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  expect_equal_sets("");
}

// WAL needs shared memory, which a network disk does not give.
TEST_F(ProcessTest, AStateDirOnANetworkDiskIsRefusedBeforeAnythingIsMade) {
  for (const std::string& disk : {folder_.path(), folder_ / "state"}) {
    for (const std::string command : {"check", "run"}) {
      if (disk != folder_.path()) std::filesystem::create_directory(disk);
      environment_ = {{"LD_PRELOAD", NETWORK_DISK_MODULE}, {"NETWORK_DISK", disk}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
      EXPECT_EQ(finish({command}), command == "check" ? 2 : 1) << said();
      EXPECT_NE(said().find("is on a network file system (NFS or CIFS)"), std::string::npos) << said();
      EXPECT_NE(said().find("name a folder on a local disk"), std::string::npos) << said();
      EXPECT_TRUE(!std::filesystem::exists(folder_ / "state") || std::filesystem::is_empty(folder_ / "state"));
      EXPECT_EQ(std::filesystem::exists(folder_ / "state"), disk != folder_.path()) << "no folder is made there";
    }
  }
}

TEST_F(ProcessTest, OnceFailsWithinItsTimeWhenThePortalCannotBeReached) {
  server_.stop();
  EXPECT_EQ(finish({"run", "--once", "--timeout", "1s"}), 1);
}

TEST_F(ProcessTest, FilesAndStateAreTheOwnersOnly) {
  portal_.stop_making();
  EXPECT_EQ(finish({"run", "--once"}), 0);
  for (const std::string top : {"state", "records"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / top)) {
      const auto rights = std::filesystem::status(entry.path()).permissions();
      EXPECT_EQ(rights & std::filesystem::perms(077), std::filesystem::perms::none) << entry.path();
    }
  }
}

// The kernel gives what is in /proc of a process that must not be dumped to root, whoever runs it.
TEST_F(ProcessTest, ItsMemoryIsNobodyElsesBusiness) {
  const uid_t nobody = 65534;
  std::vector<std::string> as_nobody;
  uid_t user = geteuid();
  std::string program = AUDITFERRY_PROGRAM;
  if (user == 0) {
    // Root's own processes belong to root in any case.
    as_nobody = {"/usr/bin/setpriv", "--reuid", std::to_string(nobody), "--clear-groups"};
    user = nobody;
    program = folder_ / "auditferry";
    std::filesystem::copy_file(AUDITFERRY_PROGRAM, program);
    std::filesystem::permissions(program, std::filesystem::perms(0755));
    std::filesystem::create_directory(folder_ / "state");
    std::filesystem::create_directory(folder_ / "records");
    for (const std::string& path : {folder_.path(), folder_ / "state", folder_ / "records", config_}) ASSERT_EQ(chown(path.c_str(), nobody, nobody), 0) << path;
  }
  const auto started = [&](std::vector<std::string> command) {
    command.insert(command.begin(), as_nobody.begin(), as_nobody.end());
    return std::make_unique<ChildProcess>(std::move(command), std::map<std::string, std::string>{{"KEY", sandbox_token_key}, {"SECRET", secret_}},
                                          folder_ / "output");
  };
  const auto owner = [](const ChildProcess& process) {
    struct stat about {};
    EXPECT_EQ(::stat(("/proc/" + std::to_string(process.pid()) + "/environ").c_str(), &about), 0);
    return about.st_uid;
  };
  const auto daemon = started({program, "run", "--config", config_});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << daemon->output();
  EXPECT_EQ(owner(*daemon), 0u);
  const auto other = started({"/usr/bin/sleep", "1000"});
  EXPECT_TRUE(eventually([&] { return owner(*other) == user; })) << "then the comparison says nothing";
}

// Once for each, before anything is sent.
TEST_F(ProcessTest, APeerThatIsNotVerifiedIsNamedAtStartAfterAReloadByCheckAndByStatus) {
  const auto insecure = [](const std::string& name) {
    return "[exporters." + name + "]\ntype = \"syslog\"\ntransport = \"tls\"\naddress = \"127.0.0.1:1\"\ntls.insecure = true\n";
  };
  const auto times = [](const std::string& text, const std::string& words) {
    int found = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++found;
    return found;
  };
  write_config(insecure("siem"));
  const std::string words = "exporter siem has tls.insecure: ";
  EXPECT_EQ(finish({"check"}), 0);
  EXPECT_EQ(times(said(), "WARN " + words), 1) << said();
  const auto daemon = start({"run"});
  ASSERT_TRUE(eventually([&] { return bytes_of_records() > 0; })) << said();
  EXPECT_EQ(times(said(), words), 1) << said();
  EXPECT_NE(said().find("and remove tls.insecure exporter=siem\n"), std::string::npos) << said();
  write_config(insecure("siem") + insecure("late"));
  daemon->signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return said().find("exporter late added") != std::string::npos; })) << said();
  EXPECT_EQ(times(said(), "exporter late has tls.insecure: "), 1) << said();
  EXPECT_EQ(times(said(), words), 1) << said();
  finish({"status"});
  EXPECT_NE(said().find("not verified:\n- " + words), std::string::npos) << said();
}

TEST_F(ProcessTest, WrongUseIsToldInOneLineWithStatusTwo) {
  EXPECT_EQ(finish({"run", "--no-such-option"}), 2);
  std::ofstream(config_) << "[daemon]\nstate_dirr = 1\n";
  EXPECT_EQ(finish({"run"}), 2);
  const std::string output = start({"run"})->output();
  EXPECT_NE(output.find("state_dir"), std::string::npos) << output;
}

TEST_F(ProcessTest, CheckOnlineGreetsSyslogReceivers) {
  RawSocket listener = RawSocket::on_loopback(SOCK_STREAM);
  const std::string port = std::to_string(listener.port());
  write_config("[exporters.siem]\ntype = \"syslog\"\ntransport = \"tcp\"\naddress = \"127.0.0.1:" + port + "\"\n");
  const auto good = start({"check", "--online"});
  EXPECT_EQ(good->wait(seconds(150)), 0) << good->output();
  const RawSocket greeted = listener.accept();
  EXPECT_EQ(greeted.receive(), "") << "nothing is sent by a greeting";
  listener.close();
  const auto bad = start({"check", "--online"});
  EXPECT_EQ(bad->wait(seconds(150)), 1);
  EXPECT_NE(bad->output().find("cannot connect to 127.0.0.1:" + port), std::string::npos) << bad->output();
}

}  // namespace
}  // namespace auditferry
