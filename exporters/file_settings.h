#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/toml_reader.h"
#include "core/peer_settings.h"
#include "core/time.h"

namespace auditferry {

// The keys of an exporter of type "file"; docs/files.md explains them.
struct FileSettings {
  std::string path;                          // with {source} {stream} {tenant} {date} {hour}; checked
  std::uint64_t rotate_size = 0;             // bytes; 0: never by size
  Duration rotate_every = Duration::zero();  // zero: never by age
  Compression compress = Compression::none;  // of closed files
  unsigned mode = 0600;
  std::string group;            // empty: leave it
  std::uint32_t max_open = 64;  // descriptors
  // A file whose {date} or {hour} is over is closed when nothing was written to it for so long.
  Duration close_after = std::chrono::hours(1);

  // Of the folders that are made: who may read the files may enter them.
  unsigned folder_mode() const { return mode | ((mode & 0444) >> 2); }
};

// Reads and checks; problems are reported to the table.
FileSettings read_file_settings(TomlTable& table);

}  // namespace auditferry
