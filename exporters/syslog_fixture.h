#pragma once
// The syslog exporter with a receiver in memory, under virtual time.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/task_group.h"
#include "exporters/json_format.h"
#include "exporters/syslog_exporter.h"
#include "exporters/syslog_parser_fixture.h"
#include "tests/support/exporter_contract.h"
#include "tests/support/fake_receiver.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/recording_log.h"
#include "tests/support/test_loop.h"

namespace auditferry {

class SyslogRig {
 public:
  explicit SyslogRig(SyslogTransport transport,
                     FakeReceiver::Speaks speaks = FakeReceiver::Speaks::octet_counting)
      : receiver(loop.executor(), loop.clock(), speaks), tasks_(loop.executor()) {
    settings.transport = transport;
    settings.address.host = "logs.example";
    settings.address.port = 6514;
    settings.hostname = "ferry";
    if (speaks == FakeReceiver::Speaks::lines) settings.framing = SyslogFraming::newline;
  }
  ~SyslogRig() {
    tasks_.cancel();
    loop.run(tasks_.join());
  }
  std::unique_ptr<Exporter> make() {
    ExporterWorld world{loop.executor(), loop.clock(), log, disk_, loop.blocking(), {}};
    world.connector = &receiver;
    world.datagrams = &receiver;
    world.profiles = profiles;
    world.tasks = &tasks_;
    return std::make_unique<SyslogExporter>(settings, world);
  }
  // The texts of the messages that the receiver's program has.
  std::vector<std::string> texts() {
    std::vector<std::string> found;
    for (const std::string& message : receiver.messages()) {
      const auto parsed = SyslogParser::parse(message);
      found.push_back(parsed ? parsed->message : "no syslog: " + message);
    }
    return found;
  }

  TestLoop loop;
  FakeReceiver receiver;
  SyslogSettings settings;
  const ProfileBook* profiles = nullptr;
  RecordingLog log;
  JsonFormat format{{}};

 private:
  FaultyFileSystem disk_;
  TaskGroup tasks_;
};

class SyslogSink final : public ExporterSink {
 public:
  explicit SyslogSink(SyslogTransport transport,
                      FakeReceiver::Speaks speaks = FakeReceiver::Speaks::octet_counting)
      : rig_(transport, speaks) {
    rig_.settings.linger = std::chrono::seconds(2);
    rig_.receiver.reading_delay = std::chrono::milliseconds(300);
  }
  TestLoop& loop() override { return rig_.loop; }
  const Format& format() override { return rig_.format; }
  const RecordingLog& log() override { return rig_.log; }
  std::unique_ptr<Exporter> make() override { return rig_.make(); }
  std::vector<std::string> lines() override {
    rig_.loop.run_until_idle(std::chrono::seconds(1));
    return rig_.texts();
  }
  void break_sink() override { rig_.receiver.refuse(true); }
  void repair_sink() override { rig_.receiver.refuse(false); }
  bool fail_at(std::uint64_t n) override {
    rig_.receiver.fail_at(n);
    return true;
  }
  bool has_failed() override { return rig_.receiver.has_failed(); }

 private:
  SyslogRig rig_;
};

// A close() that is under way while the test goes on.
class CloseUnderWay {
 public:
  CloseUnderWay(TestLoop& loop, Exporter& exporter) : loop_(loop), tasks_(loop.executor()) {
    tasks_.spawn("close", exporter.close());
    loop_.run_until_idle(Duration::zero());
  }
  ~CloseUnderWay() {
    tasks_.cancel();
    loop_.run(tasks_.join());
  }
  bool ended() const { return tasks_.empty(); }

 private:
  TestLoop& loop_;
  TaskGroup tasks_;
};

// A write that is under way while the test goes on.
class WriteUnderWay final : public WriteProgress {
 public:
  WriteUnderWay(TestLoop& loop, Exporter& exporter, std::vector<OutgoingRecord> batch)
      : loop_(loop), tasks_(loop.executor()), batch_(std::move(batch)) {
    tasks_.spawn("write", run(exporter));
    loop_.run_until_idle(Duration::zero());
  }
  ~WriteUnderWay() override {
    tasks_.cancel();
    loop_.run(tasks_.join());
  }
  void sent() override { was_sent = true; }
  void cancel() {
    tasks_.cancel();
    loop_.run(tasks_.join());
  }
  bool was_sent = false;
  std::optional<WriteOutcome> outcome;

 private:
  Task<void> run(Exporter& exporter) { outcome = co_await exporter.write(batch_, *this); }
  TestLoop& loop_;
  TaskGroup tasks_;
  std::vector<OutgoingRecord> batch_;
};

}  // namespace auditferry
