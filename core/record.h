#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace auditferry {

// Whose log it is: the domain in which a record's id is unique. A source's name is not part of it.
struct StreamIdentity {
  std::string vendor;
  std::string tenant;
  std::string stream;
  friend bool operator==(const StreamIdentity&, const StreamIdentity&) = default;
  friend auto operator<=>(const StreamIdentity&, const StreamIdentity&) = default;
};

// The order of ids within one instant: ids of decimal digits first, by value; then the rest, by bytes.
bool id_less(std::string_view a, std::string_view b);

// One entry of the journal as exporters see it. The views point into the batch that holds the entry.
struct Record {
  std::uint64_t seq = 0;
  std::string_view source;  // the source's name when the record was fetched; a label only
  std::string_view vendor;
  std::string_view tenant;
  std::string_view stream;
  std::string_view id;  // within the stream: the vendor's id, or the content's hash; without "@n"
  WallTime time;        // the record's own; meaningless when !has_time
  WallTime received;
  std::uint32_t revision = 1;  // 2 and more: the portal changed a record that we had
  bool has_time = true;
  bool repaired = false;  // invalid UTF-8 or control characters were replaced; the original is in quarantine
  bool gap = false;       // not a vendor's record: `raw` is the gap object
  std::string_view raw;   // the vendor's JSON, minified, else untouched
};

// Consecutive entries of the journal with the memory they live in. Cheap to move, not copied.
struct RecordBatch {
  std::vector<Record> records;
  // Sequence numbers in (first requested .. last_seq] that are missing here because a stored row was
  // damaged or its payload has been released; the caller accounts for them.
  std::vector<std::uint64_t> missing;
  std::uint64_t last_seq = 0;  // the batch covers everything after the requested position up to here
  std::vector<std::shared_ptr<const std::string>> storage;

  RecordBatch() = default;
  RecordBatch(RecordBatch&&) = default;
  RecordBatch& operator=(RecordBatch&&) = default;
  RecordBatch(const RecordBatch&) = delete;
  RecordBatch& operator=(const RecordBatch&) = delete;
};

}  // namespace auditferry
