#include "tests/simulation/far_end.h"

namespace auditferry::simulation {
namespace {

class ScriptedSink final : public Exporter {
 public:
  ScriptedSink(FarEnd& far_end, SinkWorld world, ExporterWorld exporter_world)
      : far_end_(far_end), world_(world), clock_(exporter_world.clock) {}

  WriteLimits limits() const override { return far_end_.limits; }
  Task<Status> open(const ExporterState&) override {
    if (far_end_.mood == Mood::pausing) co_return Error{ErrorKind::connect, "the far end is closed"};
    co_return Status();
  }
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  Task<Status> greet() override { co_return Status(); }
  Task<void> reopen() override { co_return; }
  Task<WriteOutcome> tend() override { co_return WriteOutcome(); }
  Task<void> close() override { co_return; }

 private:
  struct Item {
    std::uint64_t seq;
    std::string id;
  };
  WriteOutcome failed(Verdict verdict, std::string reason) {
    WriteOutcome outcome;
    outcome.verdict = verdict;
    outcome.reason = std::move(reason);
    return outcome;
  }
  WriteOutcome judge(const std::vector<Item>& items);
  void check_bytes(const OutgoingRecord& record);

  FarEnd& far_end_;
  SinkWorld world_;
  Clock& clock_;
};

void ScriptedSink::check_bytes(const OutgoingRecord& record) {
  const std::string expected = "\"seq\":" + std::to_string(record.record->seq) + ",";
  if (record.bytes.find(expected) == std::string_view::npos)
    far_end_.complaints.push_back("the bytes of seq " + std::to_string(record.record->seq) + " are another record's");
  if (record.bytes.find(record.record->raw) == std::string_view::npos)
    far_end_.complaints.push_back("the bytes of seq " + std::to_string(record.record->seq) + " do not hold the record");
}

Task<WriteOutcome> ScriptedSink::write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) {
  std::vector<Item> items;
  for (const OutgoingRecord& record : records) {
    check_bytes(record);
    const std::string revision = record.record->revision > 1 ? "@" + std::to_string(record.record->revision) : std::string();
    items.push_back({record.record->seq, std::string(record.record->id) + revision});
  }
  const Mood mood = far_end_.mood;
  world_.trace.hit(std::string("sink ") + name_of(mood));
  world_.trace.note(far_end_.name + ": " + name_of(mood) + " " + std::to_string(items.front().seq) + ".." + std::to_string(items.back().seq));
  co_await clock_.sleep(world_.random.jitter(std::chrono::milliseconds(mood == Mood::slow ? 8000 : 80)));
  if (far_end_.limits.unconfirmed > 0) {
    progress.sent();
    co_await clock_.sleep(world_.random.jitter(std::chrono::milliseconds(500)));
  }
  if (world_.dead) co_return failed(Verdict::retry, "the process is dead");
  switch (mood) {
    case Mood::refusing:
      for (const Item& item : items) far_end_.refuse(item.seq);
      co_return failed(Verdict::refused, "400 not today");
    case Mood::pausing: co_return failed(Verdict::pause, "401 who are you");
    case Mood::hanging:
      co_await clock_.sleep(std::chrono::minutes(3));
      co_return failed(Verdict::retry, "no answer within 3 minutes");
    case Mood::busy: {
      WriteOutcome outcome = failed(Verdict::retry, "429 come again");
      outcome.retry_after = std::chrono::seconds(20);
      co_return outcome;
    }
    case Mood::partial:
      for (std::size_t i = 0; i < items.size() / 2; ++i) {
        if (!far_end_.is_poison(items[i].seq)) far_end_.take(items[i].seq, items[i].id);
      }
      co_return failed(Verdict::retry, "the connection broke");
    case Mood::lost_answers:
    case Mood::good:
    case Mood::slow: break;
  }
  WriteOutcome outcome = judge(items);
  if (mood == Mood::lost_answers) {
    co_await clock_.sleep(std::chrono::seconds(30));
    co_return failed(Verdict::retry, "no answer within 30 seconds");
  }
  // The confirmation travels; a process that dies meanwhile never learns of it.
  co_await clock_.sleep(world_.random.jitter(std::chrono::milliseconds(80)));
  if (outcome.verdict == Verdict::delivered && !world_.dead) {
    for (const Item& item : items) {
      if (!far_end_.is_poison(item.seq)) far_end_.confirm(item.seq);
    }
  }
  co_return outcome;
}

// What a far end says that is in order: takes what it can.
WriteOutcome ScriptedSink::judge(const std::vector<Item>& items) {
  WriteOutcome outcome;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!far_end_.is_poison(items[i].seq)) continue;
    outcome.records.push_back({i, Verdict::poison, "this record is not welcome"});
    far_end_.refuse(items[i].seq);
  }
  if (!outcome.records.empty()) world_.trace.hit(far_end_.names_the_poison ? "sink poison" : "sink refused batch");
  if (!outcome.records.empty() && !far_end_.names_the_poison) return failed(Verdict::refused, "400 something in it is not welcome");
  for (const Item& item : items) {
    if (!far_end_.is_poison(item.seq)) far_end_.take(item.seq, item.id);
  }
  return outcome;
}

}  // namespace

const char* name_of(Mood mood) {
  switch (mood) {
    case Mood::good: return "good";
    case Mood::slow: return "slow";
    case Mood::lost_answers: return "lost answers";
    case Mood::partial: return "partial";
    case Mood::refusing: return "refusing";
    case Mood::pausing: return "pausing";
    case Mood::hanging: return "hanging";
    case Mood::busy: return "busy";
  }
  return "";
}

void FarEnd::take(std::uint64_t seq, const std::string& id) {
  Taken& one = taken[seq];
  if (one.times > 0 && one.id != id) complaints.push_back("seq " + std::to_string(seq) + " came as " + one.id + " and as " + id);
  if (one.confirmed) complaints.push_back("seq " + std::to_string(seq) + " came again although it was confirmed and its position was durable");
  one.id = id;
  ++one.times;
}

void FarEnd::confirm(std::uint64_t seq) {
  taken[seq].confirmed = true;
  ++confirmed;
}

void FarEnd::begin_at(std::uint64_t position) {
  for (auto& [seq, one] : taken) {
    if (seq > position) one.confirmed = false;
  }
}

std::unique_ptr<Exporter> make_scripted_sink(FarEnd& far_end, SinkWorld world, ExporterWorld exporter_world) {
  return std::make_unique<ScriptedSink>(far_end, world, exporter_world);
}

}  // namespace auditferry::simulation
