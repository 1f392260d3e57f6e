#pragma once

#include <optional>
#include <string>

#include "core/result.h"

namespace auditferry {

// The folder of the journal, held against a second daemon. The lock is the operating system's (an OFD lock on
// state_dir/lock) and goes with the process, however it ends.
class StateDir {
 public:
  // Creates the folder (0700) if it is missing and takes the lock. ErrorKind::busy names the process that
  // holds it. A folder on NFS or CIFS is refused before anything is created: SQLite's WAL does not work there.
  static Result<StateDir> acquire(const std::string& path);
  // The same checks, without creating or locking anything; for `check`.
  static Status inspect(const std::string& path);

  // The process that holds the folder now; nothing when nobody does.
  static std::optional<int> owner(const std::string& path);

  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&& other) noexcept;
  ~StateDir();

  std::string journal_path() const { return path_ + "/journal.db"; }
  const std::string& path() const { return path_; }

 private:
  StateDir(std::string path, int lock_file) : path_(std::move(path)), lock_file_(lock_file) {}
  std::string path_;
  int lock_file_ = -1;
};

}  // namespace auditferry
