#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/time.h"
#include "storage/payload_codec.h"
#include "storage/sqlite.h"

namespace auditferry {

// Gives the staged records of a walk their sequence numbers, in ascending (time, id) over all its pages,
// a bounded number at a time. Payloads are sorted within themselves, so a run of one payload that no
// other payload interrupts is one row; only payloads whose times overlap are decompressed. Each call
// takes up where the committed rows say the last one stopped. Calls happen inside the caller's
// transaction; throws SqliteFailure.
class Publisher {
 public:
  explicit Publisher(Database& database);

  struct Chunk {
    std::uint64_t first_seq = 0;  // of this chunk; meaningful when records > 0
    std::uint64_t records = 0;
    bool complete = false;  // nothing of this walk is staged any more
  };
  // `next_seq` is the first unused number.
  Chunk publish(std::int64_t walk_id, std::uint64_t next_seq, std::uint64_t max_records, WallTime now);
  // Publishes one record that was never staged (a gap entry), whole.
  void publish_payload(std::int64_t payload_id, std::uint64_t seq, std::uint64_t records, WallTime now);

 private:
  struct Source;
  std::vector<Source> load(std::int64_t walk_id);
  void decode(Source& source);

  Statement staged_;
  Statement body_;
  Statement insert_;
  Statement progress_;
  Statement remove_;
};

}  // namespace auditferry
