#pragma once

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace auditferry {

// A new empty folder, removed with everything in it at the end of its scope.
class TemporaryFolder {
 public:
  // `memory`: for tests whose subject is not the disk, and in which every commit would wait for it. Where the machine
  // has no room in memory for that, it is the disk all the same.
  enum class Place { disk, memory };

  explicit TemporaryFolder(Place place = Place::disk) {
    const bool in_memory = place == Place::memory && memory_has_room();
    const std::filesystem::path parent = in_memory ? memory : std::filesystem::temp_directory_path();
    std::string name = (parent / "auditferry-test-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  static constexpr const char* memory = "/dev/shm";
  static bool memory_has_room() {
    constexpr std::uint64_t enough_bytes = std::uint64_t{1} << 30;
    struct statvfs room {};
    return access(memory, W_OK) == 0 && statvfs(memory, &room) == 0 && std::uint64_t{room.f_bavail} * room.f_frsize >= enough_bytes;
  }

  std::string path_;
};

}  // namespace auditferry
