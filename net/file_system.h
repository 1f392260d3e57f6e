#pragma once

#include "core/file_system.h"

namespace auditferry {

// The operating system's files. Errors name the path and what to do: permission (EACCES, EPERM, EROFS),
// no_space (ENOSPC, EDQUOT, EFBIG), busy (locked elsewhere, or there although it should not be),
// not_found, invalid (a symbolic link or something that is no file), io (the rest). Thread-safe; the last
// component of a path that is opened is never followed when it is a symbolic link.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, const OpenOptions& options) override;
  Result<bool> exists(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  // The folders that are made have `mode` whatever the umask, and are on the disk when it returns.
  Status create_folders(const std::string& path, unsigned mode, const std::string& group) override;
  Status sync_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;
};

}  // namespace auditferry
