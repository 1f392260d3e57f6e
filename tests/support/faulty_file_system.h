#pragma once
// Files in memory with a model of what a power loss leaves of them, and calls that fail on demand.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/file_system.h"

namespace auditferry {

// Every call on it and on its files is counted, from 1. Folders need not be made and are durable at once.
class FaultyFileSystem final : public FileSystem {
 public:
  FaultyFileSystem();
  ~FaultyFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, const OpenOptions& options) override;
  Result<bool> exists(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status create_folders(const std::string& path, unsigned mode, const std::string& group) override;
  Status sync_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

  std::uint64_t calls() const;
  // The n-th call from now fails once; an append has then written half of its bytes.
  void fail_at(std::uint64_t n, ErrorKind kind);
  // The n-th call from now does not happen (an append has written half of its bytes), and none after it:
  // the process is dead. crashed() tells; restart() brings the disk back.
  void crash_at(std::uint64_t n);
  bool crashed() const;
  // Appends write what fits, then fail with no_space, until that is lifted.
  void set_capacity(std::optional<std::uint64_t> bytes);
  // How many calls fail_at() has made fail, and how many appends had no room, ever.
  std::uint64_t failures() const;
  std::uint64_t writes_without_room() const;

  enum class Loss {
    none,  // the process died: the system still has everything
    all,   // power loss: only what was synced is there
    some,  // power loss: and beginnings of the rest, by seed
  };
  // Ends all open files and locks and applies the loss. Returns what it came to: none where nothing was lost, all
  // where nothing is left of what was not synced.
  Loss restart(Loss loss, std::uint64_t seed);

  // What a reader sees now. For tests; not counted.
  std::map<std::string, std::string> contents() const;
  void put(const std::string& path, const std::string& content);  // durable, by somebody else
  void move_away(const std::string& from, const std::string& to);
  void erase(const std::string& path);
  bool locked(const std::string& path) const;

 private:
  struct Disk;
  class MemoryFile;
  std::shared_ptr<Disk> disk_;
};

}  // namespace auditferry
