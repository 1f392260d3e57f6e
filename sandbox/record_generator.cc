#include "sandbox/record_generator.h"

#include <algorithm>
#include <utility>

#include "core/random.h"

namespace auditferry {
namespace {

// SplitMix64: neighbours in, strangers out.
std::uint64_t scramble(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

}  // namespace

std::string record_id(SandboxLog log, std::uint64_t seed, std::int64_t event) {
  if (log == SandboxLog::audit || log == SandboxLog::device) return std::to_string(event);
  static constexpr char digits[] = "0123456789abcdef";
  std::string id;
  std::uint64_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    if (i % 16 == 0)
      bits = scramble(seed ^ (static_cast<std::uint64_t>(event) * 2 + static_cast<std::uint64_t>(i / 16)));
    if (log == SandboxLog::okta && (i == 8 || i == 12 || i == 16 || i == 20)) id += '-';
    id += digits[bits & 15];
    bits >>= 4;
  }
  return id;
}

WallTime cut_to_unit(SandboxLog log, const SandboxDialect& dialect, WallTime time) {
  const bool seconds =
      (log == SandboxLog::audit || log == SandboxLog::device) && dialect.time_unit == TimeUnit::seconds;
  if (seconds) return std::chrono::floor<std::chrono::seconds>(time);
  return std::chrono::floor<std::chrono::milliseconds>(time);
}

RecordGenerator::RecordGenerator(SandboxLog log, SandboxStreamOptions options, SandboxDialect dialect,
                                 std::uint64_t seed, WallTime start)
    : log_(log),
      options_(options),
      dialect_(std::move(dialect)),
      seed_(scramble(seed ^ (static_cast<std::uint64_t>(log) << 56))),
      start_(start) {}

WallTime RecordGenerator::regular_time(std::uint64_t number) const {
  const std::uint64_t pile = std::max<std::uint32_t>(options_.pile, 1);
  const std::uint64_t first = number / pile * pile;
  return start_ + Duration(static_cast<std::int64_t>(static_cast<long double>(first) * 1e6L /
                                                     static_cast<long double>(options_.rate_per_second)));
}

void RecordGenerator::advance(WallTime now, RecordLog& records) {
  const bool regular = options_.rate_per_second > 0;
  const bool bursts = options_.burst_every.count() > 0 && options_.burst_size > 0;
  while (regular || bursts) {
    const WallTime next_regular = regular ? regular_time(regular_) : WallTime::max();
    const WallTime next_burst =
        bursts ? start_ + options_.burst_every * static_cast<std::int64_t>(bursts_ + 1) : WallTime::max();
    if (std::min(next_regular, next_burst) > now) return;
    if (next_regular <= next_burst) {
      ++regular_;
      make_generated(next_regular, records);
    } else {
      ++bursts_;
      for (std::uint32_t i = 0; i < options_.burst_size; ++i) make_generated(next_burst, records);
    }
  }
}

void RecordGenerator::skip_to(WallTime now) {
  if (options_.rate_per_second > 0) {
    while (regular_time(regular_) <= now) ++regular_;
  }
  if (options_.burst_every.count() > 0) {
    while (start_ + options_.burst_every * static_cast<std::int64_t>(bursts_ + 1) <= now) ++bursts_;
  }
}

void RecordGenerator::make_generated(WallTime at, RecordLog& records) {
  Random draw(scramble(seed_ ^ 0x5eedULL) ^ serial_);
  const bool late = draw.unit() < options_.late_share;
  const bool disorder = draw.unit() < options_.disorder_share;
  const bool huge = draw.unit() < options_.huge_share;
  WallTime created = at;
  if (disorder) created -= draw.jitter(options_.disorder_by);
  make(created, late ? at + options_.late_by : at, huge ? options_.huge_bytes : options_.record_bytes,
       records);
}

void RecordGenerator::make(WallTime created, WallTime visible_from, std::uint64_t bytes, RecordLog& records) {
  SandboxRecord record;
  record.created = cut_to_unit(log_, dialect_, created);
  record.visible_from = visible_from;
  const std::uint64_t draw = scramble(seed_ + serial_++);
  records.expect(std::move(record),
                 [log = log_, &dialect = dialect_, seed = seed_, draw, bytes](SandboxRecord& due) {
                   due.id = record_id(log, seed, due.event);
                   write_record(log, dialect, draw, bytes, due);
                 });
}

}  // namespace auditferry
