#include "storage/state_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace auditferry {
namespace {

// statfs(2): f_type of file systems whose locks and shared memory WAL cannot rely on.
constexpr long nfs_magic = 0x6969;
constexpr long smb_magic = 0x517B;
constexpr long smb2_magic = static_cast<long>(0xFE534D42);
constexpr long cifs_magic = static_cast<long>(0xFF534D42);

Error system_error(const std::string& doing, const std::string& path, int code) {
  ErrorKind kind = ErrorKind::io;
  std::string advice = "check the disk and the kernel's log";
  if (code == EACCES || code == EPERM || code == EROFS) {
    kind = ErrorKind::permission;
    advice = "give the user that runs auditferry this folder; under systemd leave daemon.state_dir out (StateDirectory= then decides), or add a "
             "drop-in (systemctl edit auditferry) with [Service] ReadWritePaths=" + path;
  } else if (code == ENOSPC || code == EDQUOT) {
    kind = ErrorKind::no_space;
    advice = "free space on that disk";
  } else if (code == ENOTDIR) {
    kind = ErrorKind::invalid;
    advice = "daemon.state_dir must name a folder";
  }
  return Error{kind, "cannot " + doing + " " + path + ": " + std::strerror(code) + "; " + advice};
}

Status refuse_network_disks(const std::string& path) {
  struct statfs about {};
  if (statfs(path.c_str(), &about) != 0) return system_error("look at", path, errno);
  const long type = static_cast<long>(about.f_type);
  if (type == nfs_magic || type == smb_magic || type == smb2_magic || type == cifs_magic) {
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
  // The nearest folder that exists says which disk it will be.
  std::filesystem::path nearest = std::filesystem::absolute(path);
  std::error_code ignored;
  while (!std::filesystem::exists(nearest, ignored) && nearest.has_relative_path()) nearest = nearest.parent_path();
  if (Status local = refuse_network_disks(nearest.string()); !local) return local;
  if (access(nearest.c_str(), W_OK | X_OK) != 0) return system_error("write to", nearest.string(), errno);
  return {};
}

Result<StateDir> StateDir::acquire(const std::string& path) {
  std::error_code failure;
  const mode_t previous = umask(0077);
  std::filesystem::create_directories(path, failure);
  umask(previous);
  if (failure) return system_error("create daemon.state_dir", path, failure.value());
  if (Status local = refuse_network_disks(path); !local) return std::move(local).error();
  // Nobody else may read records or positions; a folder that was made with other rights is left alone.
  const std::string lock_path = path + "/lock";
  const int lock_file = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_file < 0) return system_error("open", lock_path, errno);
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
    return system_error("write to", lock_path, code);
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
