#pragma once

#include <cstdint>
#include <string>

#include "core/time.h"
#include "sandbox/portal_options.h"
#include "sandbox/record_log.h"

namespace auditferry {

// Makes the records of one stream from a seed. Not thread-safe; outlives the log it fills.
class RecordGenerator {
 public:
  RecordGenerator(SandboxLog log, SandboxStreamOptions options, SandboxDialect dialect, std::uint64_t seed,
                  WallTime start);
  RecordGenerator(const RecordGenerator&) = delete;
  RecordGenerator& operator=(const RecordGenerator&) = delete;

  // Hands `records` everything that has been created up to `now`, also what appears only later.
  void advance(WallTime now, RecordLog& records);
  // One record, created at `created` (cut to the unit of the log), visible from `visible_from`.
  // `bytes` pads its JSON.
  void make(WallTime created, WallTime visible_from, std::uint64_t bytes, RecordLog& records);
  // Leaves out what would have been created before `now`.
  void skip_to(WallTime now);

  void set_dialect(const SandboxDialect& dialect) { dialect_ = dialect; }

 private:
  WallTime regular_time(std::uint64_t number) const;
  void make_generated(WallTime at, RecordLog& records);

  SandboxLog log_;
  SandboxStreamOptions options_;
  SandboxDialect dialect_;
  std::uint64_t seed_;
  WallTime start_;
  std::uint64_t regular_ = 0;  // of records at the regular rate
  std::uint64_t bursts_ = 0;
  std::uint64_t serial_ = 0;  // of all records: what their contents are drawn from
};

// The contents of a record that has its event, id and time: sets json. `draw` decides everything else.
void write_record(SandboxLog log, const SandboxDialect& dialect, std::uint64_t draw, std::uint64_t bytes,
                  SandboxRecord& record);
// The id of a record as its log shows it.
std::string record_id(SandboxLog log, std::uint64_t seed, std::int64_t event);
// The time cut to what the log can write.
WallTime cut_to_unit(SandboxLog log, const SandboxDialect& dialect, WallTime time);

}  // namespace auditferry
