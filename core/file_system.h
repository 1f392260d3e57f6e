#pragma once
// The files of the program's outputs, behind a port so that tests can make every call fail. All calls
// block and are made from a blocking executor's thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace auditferry {

// An open file; closed (and its lock released) by the destructor. One thread at a time.
class File {
 public:
  virtual ~File() = default;
  // Writes all of it at the end of the file. After an error the end is unknown: ask size().
  virtual Status append(std::string_view bytes) = 0;
  // Reads up to `length` bytes at `offset`; fewer only at the end of the file.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t length) = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Status truncate(std::uint64_t length) = 0;
  // fsync: data and metadata are on the disk when it returns.
  virtual Status sync() = 0;
  // True while the path that was opened still names this file (not renamed, removed or replaced).
  virtual Result<bool> still_at_its_path() = 0;
};

struct OpenOptions {
  bool create = true;
  bool exclusive = false;   // fail with ErrorKind::busy if it exists
  bool lock = true;         // an exclusive advisory lock; held elsewhere is ErrorKind::busy
  unsigned mode = 0600;     // of a file that is created
  std::string group;        // name of the group of a file that is created; empty: leave it
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, const OpenOptions& options) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  // Creates the folder and its parents with `mode`, as ones of `group`, a name ("": that of the process); existing ones are
  // left as they are.
  virtual Status create_folders(const std::string& path, unsigned mode, const std::string& group) = 0;
  // fsync of a folder: names made, renamed or removed in it are on the disk when it returns.
  virtual Status sync_folder(const std::string& path) = 0;
  // Names (without path) of the entries of a folder, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  // Bytes that an unprivileged process may still write there.
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

}  // namespace auditferry
