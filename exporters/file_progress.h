#pragma once
// What the file exporter keeps in ExporterState: one entry per path ("series /var/log/x.jsonl") and one per
// closed file that is not yet finished ("closed /var/log/x.3.jsonl"). Values are small JSON objects.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/peer_settings.h"
#include "core/time.h"

namespace auditferry {

inline constexpr std::string_view series_key = "series ";
inline constexpr std::string_view closed_key = "closed ";

// A file that lines go to.
struct FileProgress {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;  // confirmed: on the disk, and covered by the exporter's position
  std::uint64_t records = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  WallTime opened;
  WallTime period_end = WallTime::max();  // of the date or hour in its path
};

// The numbered files of one path: the one that is written, or the number that comes next.
struct SeriesProgress {
  std::optional<FileProgress> open;
  std::uint64_t next_number = 0;  // without `open`
  WallTime closed;                // without `open`: when the last one was closed
};

// A file that is never written again, on its way to being hashed and compressed.
struct ClosedFile {
  std::string path;
  FileProgress progress;
  Compression compress = Compression::none;  // as configured when it was closed
  bool compressed = false;                   // the compressed file is in place: only the original is to go
};

std::string to_text(const SeriesProgress& progress);
std::string to_text(const ClosedFile& file);  // without its path, which is in the key
// Nothing when it was not written by these functions.
std::optional<SeriesProgress> series_from_text(std::string_view text);
std::optional<ClosedFile> closed_from_text(std::string path, std::string_view text);

// ".zst", ".gz" or nothing.
std::string_view extension(Compression compression);

}  // namespace auditferry
