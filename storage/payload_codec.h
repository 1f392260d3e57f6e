#pragma once
// The records of one page as one compressed value. Format 1, before compression (zstd level 1); integers
// are LEB128 varints, signed ones zigzag:
//   version = 1, source label (length, bytes), received (µs since 1970), number of records, then per
//   record: time − previous record's time (signed µs), flags (1 has no time, 2 repaired, 4 is a gap entry,
//   8 revision follows), [revision], id (length, bytes), raw (length, bytes).
// Records stand in ascending order of (time, id).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.h"
#include "core/result.h"

namespace auditferry {

// Packs and compresses. Only id, time, revision, the flags and raw of each record are kept, and source and
// received of the first.
std::string encode_payload(std::string_view source, WallTime received, const std::vector<Record>& records);

// A payload that has been read; the records' views point into `text`. seq, vendor, tenant and stream are
// not set.
struct DecodedPayload {
  std::shared_ptr<const std::string> text;
  std::vector<Record> records;
};

// ErrorKind::corrupt when the bytes are not such a payload.
Result<DecodedPayload> decode_payload(std::string_view compressed);

// Whether the bytes still fit the hash that was stored with them: SQLite does not check its pages.
bool is_intact(std::string_view compressed, std::string_view stored_hash);

}  // namespace auditferry
