// The real program over many records and many connections: memory, file descriptors, threads and the journal's log do
// not grow. A long mode has more of both: AUDITFERRY_ENDURANCE=10 is a million records and ten thousand connections.

#include <gtest/gtest.h>

#include <atomic>
#include <sstream>

#include "tests/process_fixture.h"
#include "tests/support/collector_server.h"
#include "tests/support/sanitized.h"
#include "tests/support/scripted_server.h"

namespace auditferry {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr bool memory_is_the_programs_own = !sanitized;  // a sanitizer keeps books of its own in it
constexpr std::size_t records_per_step = rounds(100'000, 10'000);
constexpr std::size_t records_per_connection = 100;

// The most of each that was seen over a while.
struct Held {
  std::uint64_t resident_kib = 0;
  std::uint64_t threads = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t log_bytes = 0;

  void raise(const Held& seen) {
    resident_kib = std::max(resident_kib, seen.resident_kib);
    threads = std::max(threads, seen.threads);
    descriptors = std::max(descriptors, seen.descriptors);
    log_bytes = std::max(log_bytes, seen.log_bytes);
  }
};

std::ostream& operator<<(std::ostream& out, const Held& held) {
  return out << held.resident_kib << " KiB resident, " << held.threads << " threads, " << held.descriptors << " descriptors, log of "
             << held.log_bytes / 1024 << " KiB";
}

class EnduranceTest : public ProcessTest {
 protected:
  EnduranceTest() : ProcessTest(nothing_yet()) {
    const WallTime now = clock_.now();
    portal_.make("audit", records_, now - hours(24), now - seconds(30));
    portal_.stop_making();
    // The portal's connections break, too.
    portal_.set_faults(misbehaviour({FaultKind::reset, FaultKind::refuse}));
    write_config("[exporters.hook]\ntype = \"http\"\ncompression = \"none\"\nmax_backoff = \"1s\"\nbatch.records = " +
                     std::to_string(records_per_connection) + "\nurl = \"" + hook_.url() + "\"\n",
                 "", "[sources.acme.stream.audit]\nstart = \"-25h\"\nslice = \"1h\"\npage_size = 1000\n");
  }
  static PortalOptions nothing_yet() {
    PortalOptions options;
    for (const SandboxLog log : {SandboxLog::audit, SandboxLog::device}) {
      options.streams[log].rate_per_second = 0;
      options.streams[log].history = Duration::zero();
    }
    return options;
  }
  static Held held_by(pid_t pid, const std::string& log) {
    Held held;
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
      std::istringstream words(line);
      std::string name;
      std::uint64_t number = 0;
      if (!(words >> name >> number)) continue;
      if (name == "VmRSS:") held.resident_kib = number;
      if (name == "Threads:") held.threads = number;
    }
    std::error_code ignored;
    for (auto entry = std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ignored); entry != std::filesystem::directory_iterator();
         entry.increment(ignored))
      ++held.descriptors;
    const std::uintmax_t bytes = std::filesystem::file_size(log, ignored);
    held.log_bytes = ignored ? 0 : bytes;
    return held;
  }

  const std::size_t records_ = records_per_step * long_mode("AUDITFERRY_ENDURANCE", 1);
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> connections_{0};
  CollectorServer hook_{[this](const CollectorServer::Request& request) {
    received_ += static_cast<std::uint64_t>(std::count(request.body.begin(), request.body.end(), '\n'));
    ++connections_;
    return http_answer(200, "{}", "Connection: close\r\n");
  }};
};

TEST_F(EnduranceTest, NothingGrowsWithRecordsAndConnections) {
  auto process = start({"run"});
  Held early;
  Held late;
  const auto all_there = [&] {
    const Held now = held_by(process->pid(), folder_ / "state/journal.db-wal");
    const std::uint64_t received = received_;
    if (received > records_ / 10 && received < records_ * 4 / 10) early.raise(now);
    if (received > records_ * 6 / 10) late.raise(now);
    return received >= records_ || !process->runs();
  };
  EXPECT_TRUE(eventually(all_there, seconds(600))) << received_;
  EXPECT_TRUE(process->runs()) << process->output();
  // At rest: less than under way.
  std::this_thread::sleep_for(seconds(3));
  const Held rest = held_by(process->pid(), folder_ / "state/journal.db-wal");
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(seconds(60)), 0) << process->output();

  std::cout << records_ << " records over " << connections_ << " connections to the exporter's far end\n"
            << "early: " << early << "\nlate:  " << late << "\nrest:  " << rest << "\n";
  EXPECT_GE(connections_, records_ / records_per_connection);
  ASSERT_GT(early.threads, 0u);
  ASSERT_GT(late.threads, 0u);
  EXPECT_LE(late.threads, early.threads);
  EXPECT_LE(late.descriptors, early.descriptors + 2);
  EXPECT_LE(rest.descriptors, early.descriptors);
  EXPECT_LE(late.log_bytes, early.log_bytes + early.log_bytes / 2 + (4u << 20));
  if (memory_is_the_programs_own) {
    EXPECT_LE(late.resident_kib, early.resident_kib + 8 * 1024);
  }

  JournalSnapshot snapshot;
  expect_all_delivered(snapshot);
  EXPECT_EQ(snapshot.last_seq, records_);
}

}  // namespace
}  // namespace auditferry
