#pragma once
// Rows of a SQLite file (sqlite.org/fileformat2.html) as they lie on its pages, without its table of contents or any
// page above the leaves: for what is left of a damaged file. What it finds may be stale (deleted rows, older
// versions) or garbled; the caller must be able to tell.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace auditferry {

struct RawValue {
  enum class Kind { null, integer, real, text, blob };
  Kind kind = Kind::null;
  std::int64_t integer = 0;
  std::string_view bytes;  // text, blob
};

struct RawRow {
  std::int64_t rowid = 0;
  std::vector<RawValue> columns;
};

// Visits the rows of all tables with a rowid, page by page; pages of the write-ahead log beside the file stand for
// those of the file. The row's views are valid during the call. Skips what makes no sense.
Status scan_rows(const std::string& path, const std::function<void(const RawRow&)>& visit);

}  // namespace auditferry
