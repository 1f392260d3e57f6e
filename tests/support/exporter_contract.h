#pragma once
// What every exporter keeps, whatever it writes to. A test of an exporter derives from ExporterSink and
// calls expect_exporter_contract(). tests/support/delivery_rig.h plays the deliverer with one write at a
// time, window_rig.h with as many under way as the exporter's limits() allow.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/delivery_rig.h"
#include "tests/support/recording_log.h"
#include "tests/support/window_rig.h"

namespace auditferry {

// One sink and the way to an exporter for it. Made anew for every check.
class ExporterSink {
 public:
  virtual ~ExporterSink() = default;
  virtual TestLoop& loop() = 0;
  virtual const Format& format() = 0;
  // What its exporters have told.
  virtual const RecordingLog& log() = 0;
  // As a new process would make it.
  virtual std::unique_ptr<Exporter> make() = 0;
  // What the far end holds now, in its order (per stream at least).
  virtual std::vector<std::string> lines() = 0;
  // From now on every write is to end as retry or pause; and back to normal.
  virtual void break_sink() = 0;
  virtual void repair_sink() = 0;
  // The n-th I/O call from now fails once; false when the sink has no calls to count.
  virtual bool fail_at(std::uint64_t) { return false; }
  // Whether that call has come.
  virtual bool has_failed() { return false; }
  // The process is killed: called after the exporter has been destroyed.
  virtual void crash() {}
  // Whether a record can be told from its repetition, so that none is doubled after a crash.
  virtual bool exactly_once() const { return false; }
};

namespace contract {

using MakeSink = std::function<std::unique_ptr<ExporterSink>()>;

// "" or what is wrong. `may_double`: repetitions are allowed; `in_order`: what came first of each record
// must stand in the order of its stream.
inline std::string compare(const std::vector<std::string>& held, const TestRecords& records, bool may_double,
                           bool in_order = true) {
  std::map<std::string, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < held.size(); ++i) places[held[i]].push_back(i);
  std::map<std::string_view, std::size_t> last;  // by stream: the place of the record before
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto found = places.find(records.line(i));
    if (found == places.end()) return "lost: " + records.line(i);
    if (found->second.size() > 1 && !may_double) return "doubled: " + records.line(i);
    const std::size_t place = found->second.front();
    const auto [before, first] = last.emplace(records.record(i).stream, place);
    if (in_order && !first && before->second > place) return "out of order: " + records.line(i);
    before->second = place;
    places.erase(found);
  }
  return places.empty() ? "" : "made up: " + places.begin()->first;
}

inline void deliver_to_end(DeliveryRig& rig, Exporter& exporter, ExporterSink& sink, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int step = 0; step < 3000 && !rig.done(); ++step) {
    const WriteOutcome outcome = rig.write(exporter, 1 + random() % 15);
    if (outcome.verdict == Verdict::retry || outcome.verdict == Verdict::pause) {
      EXPECT_FALSE(outcome.reason.empty()) << "a refusal without words for the operator";
      EXPECT_TRUE(outcome.state.empty()) << "state of a batch that was not delivered";
    }
    if (random() % 4 == 0) rig.tend(exporter);
    sink.loop().run_until_idle(std::chrono::seconds(1));
  }
  EXPECT_TRUE(rig.done()) << "delivery came to no end";
}

inline void delivers_everything_once(ExporterSink& sink) {
  const TestRecords records(sink.format(), 120, 2, std::chrono::minutes(1));
  DeliveryRig rig(sink.loop(), records);
  const auto exporter = sink.make();
  rig.open(*exporter);
  EXPECT_TRUE(rig.greet(*exporter).ok());
  EXPECT_TRUE(sink.lines().empty()) << "greet() or open() left something at the far end";
  deliver_to_end(rig, *exporter, sink, 1);
  rig.close(*exporter);
  EXPECT_EQ(compare(sink.lines(), records, false), "");
}

inline void survives_reopening_and_restarting(ExporterSink& sink) {
  const TestRecords records(sink.format(), 60, 2, std::chrono::minutes(1));
  DeliveryRig rig(sink.loop(), records);
  auto exporter = sink.make();
  rig.open(*exporter);
  while (!rig.done()) {
    rig.write(*exporter, 7);
    rig.reopen(*exporter);
    if (rig.position() % 3 != 0) continue;
    rig.close(*exporter);
    exporter = sink.make();
    rig.open(*exporter);
  }
  rig.close(*exporter);
  EXPECT_EQ(compare(sink.lines(), records, false), "");
}

inline void waits_for_a_broken_sink(ExporterSink& sink) {
  const TestRecords records(sink.format(), 40, 2, std::chrono::minutes(1));
  DeliveryRig rig(sink.loop(), records);
  const auto exporter = sink.make();
  rig.open(*exporter);
  rig.write(*exporter, 10);
  sink.break_sink();
  for (int i = 0; i < 3; ++i) {
    const WriteOutcome outcome = rig.write(*exporter, 10);
    EXPECT_TRUE(outcome.verdict == Verdict::retry || outcome.verdict == Verdict::pause);
    EXPECT_FALSE(outcome.reason.empty());
    EXPECT_TRUE(outcome.records.empty());
  }
  EXPECT_EQ(rig.position(), 10u);
  sink.repair_sink();
  deliver_to_end(rig, *exporter, sink, 2);
  rig.close(*exporter);
  EXPECT_EQ(compare(sink.lines(), records, !sink.exactly_once()), "");
}

// After a crash the last batch comes again, in other portions.
inline void loses_nothing_in_a_crash(ExporterSink& sink) {
  const TestRecords records(sink.format(), 90, 2, std::chrono::minutes(1));
  DeliveryRig rig(sink.loop(), records);
  for (std::uint64_t seed = 1; !rig.done(); ++seed) {
    std::mt19937_64 random(seed);
    auto exporter = sink.make();
    rig.open(*exporter);
    rig.write(*exporter, 1 + random() % 9);
    rig.write(*exporter, 1 + random() % 9, false);
    exporter.reset();
    sink.crash();
  }
  EXPECT_EQ(compare(sink.lines(), records, !sink.exactly_once()), "");
}

inline void deliver_window_to_end(WindowRig& rig, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int step = 0; step < 3000 && !rig.done(); ++step) rig.turn(1 + random() % 9, std::chrono::seconds(1));
  EXPECT_TRUE(rig.done()) << "delivery came to no end";
}

inline void keeps_writes_apart_that_are_under_way(ExporterSink& sink) {
  const TestRecords records(sink.format(), 150, 2, std::chrono::minutes(1));
  const auto exporter = sink.make();
  const WriteLimits limits = exporter->limits();
  WindowRig rig(sink.loop(), records, *exporter);
  rig.open();
  deliver_window_to_end(rig, 3);
  EXPECT_LE(rig.most_under_way(), limits.concurrent + limits.unconfirmed);
  if (limits.concurrent > 1) {
    EXPECT_GE(rig.most_under_way(), limits.concurrent) << "writes that may go side by side wait for each other";
  }
  EXPECT_TRUE(rig.close()) << "close() left a write under way";
  EXPECT_EQ(compare(sink.lines(), records, false, limits.concurrent == 1), "");
}

inline void sends_again_what_breaks_under_way(ExporterSink& sink) {
  const TestRecords records(sink.format(), 120, 2, std::chrono::minutes(1));
  const auto exporter = sink.make();
  WindowRig rig(sink.loop(), records, *exporter);
  rig.open();
  for (int round = 0; round < 3; ++round) {
    rig.fill(7);
    sink.break_sink();
    const std::size_t before = rig.came_back();
    for (int i = 0; i < 300 && rig.came_back() == before && !rig.done(); ++i) rig.turn(7, std::chrono::seconds(1));
    EXPECT_TRUE(rig.came_back() > before || rig.done()) << "no write comes back from a broken sink";
    sink.repair_sink();
    rig.turn(7, std::chrono::seconds(5));
  }
  deliver_window_to_end(rig, 4);
  EXPECT_TRUE(rig.close()) << "close() left a write under way";
  EXPECT_EQ(compare(sink.lines(), records, !sink.exactly_once(), false), "");
}

// Everything that was under way is cancelled, and comes again to the next process.
inline void loses_nothing_that_was_under_way(ExporterSink& sink) {
  const TestRecords records(sink.format(), 90, 2, std::chrono::minutes(1));
  std::size_t position = 0;
  ExporterState state;
  for (std::uint64_t seed = 1; position < records.size(); ++seed) {
    std::mt19937_64 random(seed);
    auto exporter = sink.make();
    {
      WindowRig rig(sink.loop(), records, *exporter, position, state);
      rig.open();
      rig.turn(1 + random() % 9, std::chrono::seconds(random() % 3));
      while (rig.begin(1 + random() % 9)) {
      }
      rig.die();
      position = rig.position();
      state = rig.state();
    }
    exporter.reset();
    sink.crash();
    ASSERT_LT(seed, 1000u) << "delivery came to no end";
  }
  EXPECT_EQ(compare(sink.lines(), records, !sink.exactly_once(), false), "");
}

// An orderly end brings what waits for its confirmation to its end.
inline void settles_everything_at_close(ExporterSink& sink) {
  const TestRecords records(sink.format(), 60, 2, std::chrono::minutes(1));
  const auto exporter = sink.make();
  WindowRig rig(sink.loop(), records, *exporter);
  rig.open();
  rig.fill(5);
  EXPECT_TRUE(rig.close()) << "close() left a write under way";
}

inline void survives_a_failure_at_every_call(const MakeSink& make_sink) {
  std::uint64_t call = 1;
  for (bool failed = true; failed; ++call) {
    const auto sink = make_sink();
    if (!sink->fail_at(call)) return;
    const TestRecords records(sink->format(), 50, 2, std::chrono::minutes(1));
    DeliveryRig rig(sink->loop(), records);
    const auto exporter = sink->make();
    rig.open(*exporter);
    deliver_to_end(rig, *exporter, *sink, call);
    rig.close(*exporter);
    failed = sink->has_failed();
    ASSERT_EQ(compare(sink->lines(), records, !sink->exactly_once()), "") << "call " << call << " failed";
    ASSERT_EQ(sink->log().first_without("exporter"), "") << "a line that does not say whose it is, when call " << call << " failed";
  }
  EXPECT_GT(call, 10u);
}

}  // namespace contract

inline void expect_exporter_contract(const contract::MakeSink& make_sink) {
  const std::pair<const char*, void (*)(ExporterSink&)> checks[] = {
      {"delivers everything once", contract::delivers_everything_once},
      {"survives reopening and restarting", contract::survives_reopening_and_restarting},
      {"waits for a broken sink", contract::waits_for_a_broken_sink},
      {"loses nothing in a crash", contract::loses_nothing_in_a_crash},
      {"keeps writes apart that are under way", contract::keeps_writes_apart_that_are_under_way},
      {"sends again what breaks under way", contract::sends_again_what_breaks_under_way},
      {"loses nothing that was under way", contract::loses_nothing_that_was_under_way},
      {"settles everything at close", contract::settles_everything_at_close},
  };
  for (const auto& [name, check] : checks) {
    SCOPED_TRACE(name);
    const auto sink = make_sink();
    check(*sink);
    EXPECT_EQ(sink->log().first_without("exporter"), "") << "a line that does not say whose it is";
  }
  SCOPED_TRACE("survives a failure at every call");
  contract::survives_a_failure_at_every_call(make_sink);
}

}  // namespace auditferry
