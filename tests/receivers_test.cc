// The syslog exporter with real receivers, which are stopped in order, killed and started again in the
// middle of a stream of records.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/bell.h"
#include "core/task_group.h"
#include "exporters/json_format.h"
#include "exporters/syslog_exporter.h"
#include "exporters/syslog_parser_fixture.h"
#include "net/datagram_maker.h"
#include "net/file_system.h"
#include "net/resolver.h"
#include "net/stream_connector.h"
#include "net/system_clock.h"
#include "net/thread_executor.h"
#include "net/tls_context.h"
#include "tests/support/recording_log.h"
#include "tests/support/sanitized.h"
#include "tests/support/syslog_receiver.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t record_count = rounds(20'000, 4'000);
constexpr std::size_t batch_size = 100;

// What a deliverer does: writes begin in the order of the records, as many as limits() allows; what comes
// back is sent again, in order, after a short wait.
class Pump {
 public:
  // The records come evenly over the time that `takes` says.
  Pump(Executor loop, Clock& clock, Exporter& exporter, Duration takes)
      : clock_(clock), exporter_(exporter), takes_(takes), writes_(loop), changed_(loop) {
    for (std::size_t i = 0; i < record_count; ++i) {
      Record record;
      record.seq = i + 1;
      record.source = "acme";
      record.vendor = "apptego";
      record.tenant = "t1";
      record.stream = "audit";
      record.id = kept_.emplace_back(std::to_string(i + 1));
      record.time = WallTime{std::chrono::sys_days(std::chrono::year(2025) / 11 / 23)} + i * 1ms;
      record.received = record.time + 2s;
      const std::string pad(i % 97 * 4, 'x');
      record.raw = kept_.emplace_back("{\"event\":" + record_name(i) +
                                      ",\"who\":\"J\u00f6rg \\\"]\",\"pad\":\"" + pad + "\"}");
      records_.push_back(record);
      format_.append(record, kept_.emplace_back());
      lines_.push_back(kept_.back());
    }
    for (std::size_t from = 0; from < record_count; from += batch_size)
      slots_.push_back(std::make_unique<Slot>(from));
  }

  Task<void> run() {
    const SteadyTime begin = clock_.steady_now();
    while (!done() && !(ends_when_sent && all_sent())) {
      Slot* next = choose(begin);
      const WriteLimits limits = exporter_.limits();
      const bool room = count(Stage::writing) < limits.concurrent &&
                        count(Stage::sent) < std::max(limits.unconfirmed, std::uint32_t{1});
      if (next && room) {
        next->stage = Stage::writing;
        writes_.spawn("write", write(*next));
        continue;
      }
      Task<void> change = changed_.wait();
      Task<void> later = clock_.sleep(10ms);
      co_await first_to_end(std::move(change), std::move(later));
    }
  }
  Task<void> join() { return writes_.join(); }

  bool ends_when_sent = false;  // run() returns then, with writes that wait for their confirmation

  bool done() const { return count(Stage::confirmed) == slots_.size(); }
  bool all_sent() const { return count(Stage::waiting) + count(Stage::writing) == 0; }
  const std::vector<std::string_view>& lines() const { return lines_; }
  const std::map<Verdict, std::string>& words() const { return words_; }
  std::size_t came_back() const { return came_back_; }

 private:
  enum class Stage { waiting, writing, sent, confirmed };
  struct Slot final : WriteProgress {
    explicit Slot(std::size_t from_in) : from(from_in) {}
    void sent() override {
      stage = Stage::sent;
      changed->ring();
    }
    std::size_t from;
    Stage stage = Stage::waiting;
    bool again = false;
    SteadyTime not_before{};
    Bell* changed = nullptr;
  };
  static std::string record_name(std::size_t i) { return std::to_string(i + 1); }
  std::size_t count(Stage stage) const {
    std::size_t found = 0;
    for (const auto& slot : slots_) found += slot->stage == stage;
    return found;
  }
  // The first that waits, if its time has come.
  Slot* choose(SteadyTime begin) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = *slots_[i];
      if (slot.stage != Stage::waiting) continue;
      const SteadyTime made =
          begin + takes_ * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(slots_.size());
      return clock_.steady_now() >= std::max(made, slot.not_before) ? &slot : nullptr;
    }
    return nullptr;
  }
  Task<void> write(Slot& slot) {
    slot.changed = &changed_;
    std::vector<OutgoingRecord> batch;
    for (std::size_t i = slot.from; i < std::min(slot.from + batch_size, record_count); ++i)
      batch.push_back({&records_[i], lines_[i]});
    const WriteOutcome outcome = co_await exporter_.write(batch, slot);
    if (outcome.verdict == Verdict::delivered && outcome.records.empty()) {
      slot.stage = Stage::confirmed;
    } else {
      words_[outcome.verdict] = outcome.reason;
      ++came_back_;
      slot.stage = Stage::waiting;
      slot.not_before = clock_.steady_now() + 20ms;
    }
    changed_.ring();
  }

  Clock& clock_;
  Exporter& exporter_;
  Duration takes_;
  TaskGroup writes_;
  Bell changed_;
  std::deque<std::string> kept_;
  JsonFormat format_{{}};
  std::vector<Record> records_;
  std::vector<std::string_view> lines_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::map<Verdict, std::string> words_;
  std::size_t came_back_ = 0;
};

class Receivers : public testing::Test {
 protected:
  Receivers() : certificates_(TestCertificates::make(folder_.path()).value()) {}

  void listen(ReceiverInput input, SyslogTransport transport, bool queue = false) {
    const bool tls = transport == SyslogTransport::tls || transport == SyslogTransport::relp_tls;
    std::optional<CertificateFiles> files;
    if (tls) {
      files = *certificates_.issue_for_loopback();
      const CertificateFiles own =
          *certificates_.issue({"client", "ferry.example", {"ferry.example"}, {}, -1h, 24h});
      settings_.peer.tls.ca_file = certificates_.ca_file();
      settings_.peer.tls.cert_file = own.cert_file;
      settings_.peer.tls.key_file = own.key_file;
    }
    receiver_ =
        std::make_unique<SyslogReceiver>(input, folder_.path(), files, certificates_.ca_file(), queue);
    settings_.transport = transport;
    settings_.address.tls = tls;
    if (transport == SyslogTransport::unix_datagram || transport == SyslogTransport::unix_stream) {
      settings_.address.unix_path = receiver_->unix_path();
    } else {
      settings_.address.host = "127.0.0.1";
      settings_.address.port = receiver_->port();
    }
    settings_.hostname = "ferry.example";
  }

  struct Tally {
    std::size_t lost = 0;
    std::size_t repeated = 0;
    std::size_t spoiled = 0;  // lines that are no message of ours, as it was
  };

  // Runs everything to its end, with `signals` sent to the receiver at even distances.
  Tally deliver(std::vector<int> signals) {
    kills_ = static_cast<std::size_t>(std::count(signals.begin(), signals.end(), SIGKILL));
    std::exception_ptr failure;
    boost::asio::co_spawn(loop_, run(std::move(signals)), [&](std::exception_ptr exception) {
      failure = exception;
      loop_.stop();
    });
    loop_.restart();
    loop_.run_for(std::chrono::seconds(400));
    if (failure) std::rethrow_exception(failure);
    EXPECT_TRUE(ended_) << "delivery came to no end";
    return tally_;
  }

  // What `check --online` is told.
  Status greet() {
    Status outcome;
    boost::asio::co_spawn(loop_, run_greet(outcome), [this](std::exception_ptr) { loop_.stop(); });
    loop_.restart();
    loop_.run_for(std::chrono::seconds(120));
    return outcome;
  }

  void expect_everything(const char* name, const Tally& tally) {
    report(name, tally);
    EXPECT_EQ(tally.lost, 0u);
  }
  // Where loss cannot be excluded: a receiver that gets nothing at all is another matter.
  void expect_most(const char* name, const Tally& tally) {
    report(name, tally);
    EXPECT_LT(tally.lost, record_count / 2);
  }
  void report(const char* name, const Tally& tally) {
    std::printf("[ MEASURED ] %s: %zu records, %zu lost, %zu repeats\n", name, record_count, tally.lost,
                tally.repeated);
    // A receiver that is killed may have written half a line of its file, and goes on in it after its restart.
    EXPECT_LE(tally.spoiled, kills_) << spoiled_line_ << "\n" << receiver_->output();
  }

  SyslogSettings settings_;
  Duration takes_ = 2s;  // the stream of records, which `signals` disturb at even distances
  bool ends_when_sent_ = false;
  std::unique_ptr<SyslogReceiver> receiver_;
  std::string words_;  // of what came back

 private:
  std::unique_ptr<Exporter> make() {
    ExporterWorld world{loop_.get_executor(), clock_, log_, files_, thread_, {}};
    world.connector = &connector_;
    world.datagrams = &datagrams_;
    world.tasks = &tasks_;
    return std::make_unique<SyslogExporter>(settings_, world);
  }

  Task<void> run_greet(Status& outcome) {
    const bool started = co_await receiver_->start(clock_);
    EXPECT_TRUE(started) << receiver_->output();
    const std::unique_ptr<Exporter> exporter = make();
    outcome = co_await exporter->greet();
    co_await exporter->close();
    co_await receiver_->stop(clock_, SIGTERM);
    tasks_.cancel();
    co_await tasks_.join();
  }

  Task<void> disturb(std::vector<int> signals) {
    const Duration step = takes_ / static_cast<std::int64_t>(signals.size() + 1);
    for (const int signal : signals) {
      co_await clock_.sleep(step);
      co_await receiver_->stop(clock_, signal);
      const bool started = co_await receiver_->start(clock_);
      EXPECT_TRUE(started) << receiver_->output();
    }
  }

  Task<void> run(std::vector<int> signals) {
    const bool started = co_await receiver_->start(clock_);
    EXPECT_TRUE(started) << "the receiver does not start: " << receiver_->output();
    if (!started) co_return;
    const std::unique_ptr<Exporter> exporter = make();
    Status greeted = co_await exporter->greet();
    EXPECT_TRUE(greeted.ok()) << greeted.error().message;
    Pump pump(loop_.get_executor(), clock_, *exporter, takes_);
    pump.ends_when_sent = ends_when_sent_;
    {
      Task<void> pumping = pump.run();
      Task<void> disturbing = disturb(std::move(signals));
      co_await both(std::move(pumping), std::move(disturbing));
    }
    co_await exporter->close();
    co_await pump.join();
    EXPECT_TRUE(pump.done()) << "an orderly end left records unconfirmed";
    co_await until_it_has_written();
    co_await receiver_->stop(clock_, SIGTERM);
    tasks_.cancel();
    co_await tasks_.join();
    for (const auto& [verdict, words] : pump.words()) words_ += words + "\n";
    count(pump);
    ended_ = true;
  }

  // Datagrams may still stand in the receiver's socket, and its end would throw them away: until it has written as many
  // lines as there are records, or none for a while.
  Task<void> until_it_has_written() {
    std::size_t written = 0;
    for (int quiet = 0; quiet < 4 && written < record_count; ++quiet) {
      co_await clock_.sleep(500ms);
      const std::size_t now = receiver_->lines().size();
      if (now > written) quiet = 0;
      written = now;
    }
  }

  using Wanted = std::map<std::string_view, std::size_t>;
  static Wanted::iterator message_of(const std::string& line, Wanted& wanted) {
    const auto parsed = SyslogParser::parse(line);
    return parsed ? wanted.find(parsed->message) : wanted.end();
  }
  void count(const Pump& pump) {
    Wanted wanted;
    for (const std::string_view line : pump.lines()) wanted[line] = 0;
    for (const std::string& line : receiver_->lines()) {
      auto found = message_of(line, wanted);
      if (found == wanted.end()) {
        ++tally_.spoiled;
        spoiled_line_ = line;
        // Behind half a line of a killed receiver.
        const std::size_t begin = line.rfind('<', line.rfind(">1 20"));
        if (begin != line.npos) found = message_of(line.substr(begin), wanted);
      }
      if (found != wanted.end()) ++found->second;
    }
    for (const auto& [line, times] : wanted) {
      tally_.lost += times == 0;
      tally_.repeated += times > 1 ? times - 1 : 0;
    }
  }

  TemporaryFolder folder_;
  TestCertificates certificates_;
  boost::asio::io_context loop_{1};
  SystemClock clock_;
  RecordingLog log_;
  PosixFileSystem files_;
  ThreadExecutor thread_{1};
  SystemResolver resolver_{loop_.get_executor(), clock_};
  TlsContexts contexts_;
  StreamConnector connector_{loop_.get_executor(), clock_, resolver_, contexts_};
  NetDatagramMaker datagrams_{loop_.get_executor(), resolver_};
  TaskGroup tasks_{loop_.get_executor()};
  Tally tally_;
  std::string spoiled_line_;
  std::size_t kills_ = 0;
  bool ended_ = false;
};

const std::vector<int> kills = {SIGKILL, SIGTERM, SIGKILL};

TEST_F(Receivers, RsyslogRelpKeepsEveryRecord) {
  listen(ReceiverInput::rsyslog_relp, SyslogTransport::relp);
  takes_ = 400ms;
  expect_everything("rsyslog, RELP", deliver(kills));
  EXPECT_NE(words_, "") << "nothing came back: the receiver was not disturbed";
}

TEST_F(Receivers, RsyslogRelpOverTlsKeepsEveryRecord) {
  listen(ReceiverInput::rsyslog_relp_tls, SyslogTransport::relp_tls);
  takes_ = 600ms;
  expect_everything("rsyslog, RELP over TLS", deliver({SIGKILL, SIGTERM}));
  EXPECT_NE(words_, "");
}

// With a queue in the receiver's memory, as it comes: linger has to cover that too.
TEST_F(Receivers, RsyslogTcpKeepsEveryRecordWithALongLinger) {
  listen(ReceiverInput::rsyslog_tcp, SyslogTransport::tcp, true);
  settings_.linger = 2s;
  expect_everything("rsyslog, TCP, linger longer than the kills are apart", deliver(kills));
  EXPECT_NE(words_, "");
}

TEST_F(Receivers, RsyslogTlsKeepsEveryRecordWithALongLinger) {
  listen(ReceiverInput::rsyslog_tls, SyslogTransport::tls, true);
  settings_.linger = 2s;
  expect_everything("rsyslog, TLS, linger longer than the kills are apart", deliver(kills));
  EXPECT_NE(words_, "");
}

TEST_F(Receivers, SyslogNgTcpKeepsEveryRecordWithALongLinger) {
  listen(ReceiverInput::syslog_ng_tcp, SyslogTransport::tcp);
  settings_.linger = 2s;
  expect_everything("syslog-ng, TCP, linger longer than the kills are apart", deliver(kills));
  EXPECT_NE(words_, "");
}

// It sends no session tickets, so that each connection begins with a second of silence.
TEST_F(Receivers, SyslogNgTlsKeepsEveryRecordWithALongLinger) {
  listen(ReceiverInput::syslog_ng_tls, SyslogTransport::tls);
  settings_.linger = 2s;
  takes_ = 4500ms;
  expect_everything("syslog-ng, TLS, linger longer than the time to the kill", deliver({SIGKILL, SIGTERM}));
  EXPECT_NE(words_, "");
}

TEST_F(Receivers, SyslogNgUnixStreamKeepsEveryRecordWithALongLinger) {
  listen(ReceiverInput::syslog_ng_unix_stream, SyslogTransport::unix_stream);
  settings_.framing = SyslogFraming::newline;
  settings_.linger = 2s;
  takes_ = 1s;
  expect_everything("syslog-ng, Unix stream, linger longer than the kills are apart",
                    deliver({SIGKILL, SIGTERM}));
  EXPECT_NE(words_, "");
}

// On our own stop the receiver's end confirms everything at once, long before linger has passed.
TEST_F(Receivers, RsyslogTcpConfirmsAtOurEnd) {
  listen(ReceiverInput::rsyslog_tcp, SyslogTransport::tcp);
  takes_ = 100ms;
  ends_when_sent_ = true;
  expect_everything("rsyslog, TCP, ended by us", deliver({}));
  EXPECT_EQ(words_, "");
}

TEST_F(Receivers, RsyslogTlsConfirmsAtOurEnd) {
  listen(ReceiverInput::rsyslog_tls, SyslogTransport::tls);
  takes_ = 100ms;
  ends_when_sent_ = true;
  expect_everything("rsyslog, TLS, ended by us", deliver({}));
  EXPECT_EQ(words_, "");
}

TEST_F(Receivers, SyslogNgTlsConfirmsAtOurEnd) {
  listen(ReceiverInput::syslog_ng_tls, SyslogTransport::tls);
  takes_ = 100ms;
  ends_when_sent_ = true;
  expect_everything("syslog-ng, TLS, ended by us", deliver({}));
  EXPECT_EQ(words_, "");
}

TEST_F(Receivers, AMissingClientCertificateIsToldBeforeAnythingIsSent) {
  for (const ReceiverInput input : {ReceiverInput::rsyslog_tls, ReceiverInput::syslog_ng_tls}) {
    listen(input, SyslogTransport::tls);
    settings_.peer.tls.cert_file.clear();
    settings_.peer.tls.key_file.clear();
    const Status greeted = greet();
    ASSERT_FALSE(greeted.ok());
    EXPECT_EQ(greeted.error().kind, ErrorKind::tls) << greeted.error().message;
    EXPECT_NE(greeted.error().message.find("tls.cert_file"), std::string::npos) << greeted.error().message;
  }
}

// Not a promise: what trusting the acknowledgement of the receiver's system would cost.
TEST_F(Receivers, RsyslogTcpWithoutLingerIsMeasured) {
  listen(ReceiverInput::rsyslog_tcp, SyslogTransport::tcp, true);
  settings_.linger = 0s;
  takes_ = 200ms;
  report("rsyslog, TCP, linger 0s", deliver(kills));
}

TEST_F(Receivers, RsyslogUdpLossIsMeasured) {
  listen(ReceiverInput::rsyslog_udp, SyslogTransport::udp);
  expect_most("rsyslog, UDP, killed", deliver({SIGKILL}));
}

TEST_F(Receivers, RsyslogUdpLossAtAnOrderlyEndIsMeasured) {
  listen(ReceiverInput::rsyslog_udp, SyslogTransport::udp);
  expect_most("rsyslog, UDP, ended", deliver({SIGTERM}));
}

TEST_F(Receivers, RsyslogUnixDatagramKeepsEveryRecordUndisturbed) {
  listen(ReceiverInput::rsyslog_unix, SyslogTransport::unix_datagram);
  takes_ = 500ms;
  const Tally tally = deliver({});
  expect_everything("rsyslog, Unix datagrams, undisturbed", tally);
  EXPECT_EQ(tally.repeated, 0u);
  EXPECT_EQ(words_, "");
}

TEST_F(Receivers, RsyslogUnixDatagramLossIsMeasured) {
  listen(ReceiverInput::rsyslog_unix, SyslogTransport::unix_datagram);
  takes_ = 500ms;
  expect_most("rsyslog, Unix datagrams, killed", deliver({SIGKILL}));
}

TEST_F(Receivers, RsyslogUnixDatagramLossAtAnOrderlyEndIsMeasured) {
  listen(ReceiverInput::rsyslog_unix, SyslogTransport::unix_datagram);
  takes_ = 500ms;
  expect_most("rsyslog, Unix datagrams, ended", deliver({SIGTERM}));
}

}  // namespace
}  // namespace auditferry
