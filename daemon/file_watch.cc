#include "daemon/file_watch.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace auditferry {

Result<std::string> file_fingerprint(const std::string& path) {
  struct stat about = {};
  if (::stat(path.c_str(), &about) != 0) return Error{ErrorKind::io, "cannot look at " + path + ": " + std::strerror(errno)};
  std::string text;
  for (const auto number : {static_cast<std::int64_t>(about.st_dev), static_cast<std::int64_t>(about.st_ino), static_cast<std::int64_t>(about.st_size),
                            static_cast<std::int64_t>(about.st_mtim.tv_sec), static_cast<std::int64_t>(about.st_mtim.tv_nsec),
                            static_cast<std::int64_t>(about.st_ctim.tv_sec), static_cast<std::int64_t>(about.st_ctim.tv_nsec)})
    text += std::to_string(number) + " ";
  return text;
}

// A file that cannot be looked at is as if it were not there: it is noticed when it is back.
std::string FileWatch::look(const std::string& path) {
  const Result<std::string> seen = fingerprint_(path);
  return seen.ok() ? "is there: " + *seen : std::string("is not there");
}

void FileWatch::watch(const std::vector<std::string>& paths) {
  seen_.clear();
  for (const std::string& path : paths) seen_[path] = look(path);
}

std::vector<std::string> FileWatch::changed() {
  std::vector<std::string> paths;
  for (auto& [path, before] : seen_) {
    std::string now = look(path);
    if (now == before) continue;
    before = std::move(now);
    paths.push_back(path);
  }
  return paths;
}

}  // namespace auditferry
