#include "storage/state_dir.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

namespace auditferry {
namespace {

// statfs(2): f_type of file systems whose locks and shared memory WAL cannot rely on. Compared in 32 bits: what a larger
// one is filled up with differs.
constexpr std::uint32_t network_disks[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC};

// `path` is what failed, of daemon.state_dir.
Error system_error(const std::string& doing, const std::string& path, const std::string& state_dir, int code) {
  ErrorKind kind = ErrorKind::io;
  std::string advice = "check the disk and the kernel's log";
  if (code == EACCES || code == EPERM || code == EROFS) {
    kind = ErrorKind::permission;
    const std::string folder = std::filesystem::absolute(state_dir).lexically_normal().string();
    advice = "under systemd leave daemon.state_dir out (StateDirectory= then decides), or else: create " + folder +
             " for the user that runs auditferry (install -d -m 0700 -o auditferry -g auditferry " + folder +
             "); under systemd then add a drop-in (systemctl edit auditferry) with [Service] ReadWritePaths=" + folder + ", and restart";
  } else if (code == ENOSPC || code == EDQUOT) {
    kind = ErrorKind::no_space;
    advice = "free space on that disk";
  } else if (code == ENOTDIR) {
    kind = ErrorKind::invalid;
    advice = "daemon.state_dir must name a folder";
  }
  return Error{kind, "cannot " + doing + " " + path + ": " + std::strerror(code) + "; " + advice};
}

// The nearest folder that exists says which disk it will be.
std::string nearest_folder(const std::string& path) {
  std::filesystem::path nearest = std::filesystem::absolute(path);
  std::error_code ignored;
  while (!std::filesystem::exists(nearest, ignored) && nearest.has_relative_path()) nearest = nearest.parent_path();
  return nearest.string();
}

Status refuse_network_disks(const std::string& path, const std::string& state_dir) {
  struct statfs about {};
  if (statfs(path.c_str(), &about) != 0) return system_error("look at", path, state_dir, errno);
  const auto type = static_cast<std::uint32_t>(about.f_type);
  if (std::find(std::begin(network_disks), std::end(network_disks), type) != std::end(network_disks)) {
    return Error{ErrorKind::unsupported, "daemon.state_dir " + path + " is on a network file system (NFS or CIFS), where SQLite's journal "
                                                                      "cannot be kept safely: name a folder on a local disk"};
  }
  return {};
}

// The whole file, for writing, by open file description (fcntl(2)): unlike flock it can be looked at without being taken.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string holder(int lock_file) {
  char text[32] = {};
  const ssize_t length = pread(lock_file, text, sizeof(text) - 1, 0);
  return length > 0 ? "process " + std::string(text, static_cast<std::size_t>(length)) : std::string("another process");
}

}  // namespace

Status StateDir::inspect(const std::string& path) {
  const std::string nearest = nearest_folder(path);
  if (Status local = refuse_network_disks(nearest, path); !local) return local;
  if (access(nearest.c_str(), W_OK | X_OK) != 0) return system_error("write to", nearest, path, errno);
  return {};
}

Result<StateDir> StateDir::acquire(const std::string& path) {
  if (Status local = refuse_network_disks(nearest_folder(path), path); !local) return std::move(local).error();
  std::error_code failure;
  const mode_t previous = umask(0077);
  std::filesystem::create_directories(path, failure);
  umask(previous);
  if (failure) return system_error("create daemon.state_dir", path, path, failure.value());
  // Nobody else may read records or positions; a folder that was made with other rights is left alone.
  const std::string lock_path = path + "/lock";
  const int lock_file = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_file < 0) return system_error("open", lock_path, path, errno);
  struct flock lock = whole_file();
  if (fcntl(lock_file, F_OFD_SETLK, &lock) != 0) {
    const std::string who = holder(lock_file);
    close(lock_file);
    return Error{ErrorKind::busy, "daemon.state_dir " + path + " is in use by " + who +
                                      ": only one auditferry may run on it; end that one, or name another daemon.state_dir"};
  }
  const std::string pid = std::to_string(getpid());
  if (ftruncate(lock_file, 0) != 0 || pwrite(lock_file, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const int code = errno;
    close(lock_file);
    return system_error("write to", lock_path, path, code);
  }
  return StateDir(path, lock_file);
}

std::optional<int> StateDir::owner(const std::string& path) {
  const int lock_file = open((path + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock_file < 0) return std::nullopt;
  std::optional<int> pid;
  struct flock lock = whole_file();
  if (fcntl(lock_file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
    char text[32] = {};
    pid = pread(lock_file, text, sizeof(text) - 1, 0) > 0 ? std::atoi(text) : 0;
  }
  close(lock_file);
  return pid;
}

StateDir::StateDir(StateDir&& other) noexcept : path_(std::move(other.path_)), lock_file_(std::exchange(other.lock_file_, -1)) {}

StateDir& StateDir::operator=(StateDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_file_, other.lock_file_);
  return *this;
}

StateDir::~StateDir() {
  if (lock_file_ >= 0) close(lock_file_);
}

}  // namespace auditferry
