#include "net/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/kill_point.h"

namespace auditferry {
namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// `folder` is where writing would have to be allowed: of a file, the one that it is in.
Error system_error(const std::string& doing, const std::string& path, const std::string& folder, int code) {
  ErrorKind kind = ErrorKind::io;
  std::string advice = "check the disk and the kernel's log";
  switch (code) {
    case EACCES:
    case EPERM:
    case EROFS:
      kind = ErrorKind::permission;
      advice = "create " + folder + " for the user that runs auditferry (install -d -o auditferry -g auditferry " + folder +
               "); under systemd then add a drop-in (systemctl edit auditferry) with [Service] ReadWritePaths=" + folder + ", and restart";
      break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      kind = ErrorKind::no_space;
      advice = "free space on that disk, or raise the quota or the limit on the size of files";
      break;
    case ENOENT:
      kind = ErrorKind::not_found;
      advice = "check the path";
      break;
    case ELOOP:
      kind = ErrorKind::invalid;
      advice = "symbolic links are not followed there: name the file that it leads to";
      break;
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
      kind = ErrorKind::invalid;
      advice = "check the path";
      break;
    case EMFILE:
    case ENFILE:
      advice = "raise the limit on open files (under systemd: LimitNOFILE=)";
      break;
    default:
      break;
  }
  return Error{kind, "cannot " + doing + " " + path + ": " + std::strerror(code) + "; " + advice};
}

Error system_error(const std::string& doing, const std::string& path, int code) { return system_error(doing, path, folder_of(path), code); }
Error folder_error(const std::string& doing, const std::string& path, int code) { return system_error(doing, path, path, code); }

// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status append(std::string_view bytes) override {
    kill_point("append.before");
    while (!bytes.empty()) {
      const ssize_t written =
          uninterrupted([&] { return ::write(descriptor_.get(), bytes.data(), bytes.size()); });
      if (written < 0) return system_error("write to", path_, errno);
      if (written == 0) return system_error("write to", path_, EIO);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    kill_point("append.after");
    return {};
  }

  Result<std::string> read(std::uint64_t offset, std::size_t length) override {
    std::string bytes(length, '\0');
    std::size_t filled = 0;
    while (filled < length) {
      const ssize_t count = uninterrupted([&] {
        return ::pread(descriptor_.get(), bytes.data() + filled, length - filled,
                       static_cast<off_t>(offset + filled));
      });
      if (count < 0) return system_error("read", path_, errno);
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    bytes.resize(filled);
    return bytes;
  }

  Result<std::uint64_t> size() override {
    struct stat about {};
    if (::fstat(descriptor_.get(), &about) != 0) return system_error("look at", path_, errno);
    return static_cast<std::uint64_t>(about.st_size);
  }

  Status truncate(std::uint64_t length) override {
    if (uninterrupted([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(length)); }) != 0) {
      return system_error("shorten", path_, errno);
    }
    return {};
  }

  Status sync() override {
    kill_point("sync.before", "file");
    if (uninterrupted([&] { return ::fsync(descriptor_.get()); }) != 0)
      return system_error("write to the disk", path_, errno);
    kill_point("sync.after", "file");
    return {};
  }

  Result<bool> still_at_its_path() override {
    struct stat here {};
    struct stat there {};
    if (::fstat(descriptor_.get(), &here) != 0) return system_error("look at", path_, errno);
    if (::lstat(path_.c_str(), &there) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return false;
      return system_error("look at", path_, errno);
    }
    return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

constexpr int open_flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;

Result<gid_t> find_group(const std::string& name) {
  std::string buffer(16384, '\0');
  struct group entry {};
  struct group* found = nullptr;
  int code = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  while (code == ERANGE && buffer.size() < (1u << 22)) {
    buffer.resize(buffer.size() * 4);
    code = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  }
  if (!found) {
    return Error{ErrorKind::invalid,
                 "there is no group \"" + name + "\" on this system; create it, or name another group"};
  }
  return entry.gr_gid;
}

// Mode and group as configured, whatever the umask.
Status dress(int descriptor, const std::string& path, unsigned mode, const std::string& group) {
  if (!group.empty()) {
    Result<gid_t> number = find_group(group);
    if (!number) return std::move(number).error();
    if (::fchown(descriptor, static_cast<uid_t>(-1), *number) != 0) {
      Error error = system_error("give to group " + group, path, errno);
      error.message = "cannot give " + path + " to group " + group + ": " + std::strerror(errno) +
                      "; make the user that runs auditferry a member of it (under systemd: SupplementaryGroups=)";
      return error;
    }
  }
  if (::fchmod(descriptor, mode) != 0) return system_error("set the mode of", path, errno);
  return {};
}

// By its descriptor: the service's unit allows no other way.
Status dress_folder(const std::string& path, unsigned mode, const std::string& group) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (folder.get() < 0) return folder_error("open the folder", path, errno);
  return dress(folder.get(), path, mode, group);
}

// -1 with errno. Knowing whether the file was made by us needs two calls, and somebody may come between.
int open_or_create(const std::string& path, const OpenOptions& options, bool& created) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    if (options.create) {
      const int made =
          uninterrupted([&] { return ::open(path.c_str(), open_flags | O_CREAT | O_EXCL, 0600); });
      created = made >= 0;
      if (made >= 0 || errno != EEXIST || options.exclusive) return made;
    }
    const int there = uninterrupted([&] { return ::open(path.c_str(), open_flags); });
    if (there >= 0 || errno != ENOENT || !options.create) return there;
  }
  return -1;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, const OpenOptions& options) {
  bool created = false;
  Descriptor descriptor(open_or_create(path, options, created));
  if (descriptor.get() < 0) {
    const int code = errno;
    if (code == EEXIST)
      return Error{ErrorKind::busy, path + " exists already; move it away, or choose another path"};
    if (code == ENXIO) return Error{ErrorKind::invalid, path + " is not a file; choose another path"};
    return system_error(options.create ? "open or create" : "open", path, code);
  }
  struct stat about {};
  if (::fstat(descriptor.get(), &about) != 0) return system_error("look at", path, errno);
  if (!S_ISREG(about.st_mode)) return Error{ErrorKind::invalid, path + " is not a file; choose another path"};
  if (created) {
    if (Status dressed = dress(descriptor.get(), path, options.mode, options.group); !dressed) {
      ::unlink(path.c_str());
      return std::move(dressed).error();
    }
  }
  if (options.lock && uninterrupted([&] { return ::flock(descriptor.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) return system_error("lock", path, errno);
    return Error{
        ErrorKind::busy,
        path + " is locked by another program, or by another exporter whose path leads to the same file; end that program, or choose another path"};
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(descriptor), path));
}

Result<bool> PosixFileSystem::exists(const std::string& path) {
  struct stat about {};
  if (::lstat(path.c_str(), &about) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return system_error("look at", path, errno);
}

Status PosixFileSystem::rename(const std::string& from, const std::string& to) {
  kill_point("rename.before");
  if (std::rename(from.c_str(), to.c_str()) != 0)
    return system_error("rename to " + to + " the file", from, errno);
  kill_point("rename.after");
  return {};
}

Status PosixFileSystem::remove(const std::string& path) {
  kill_point("remove.before");
  if (::unlink(path.c_str()) != 0) return system_error("remove", path, errno);
  kill_point("remove.after");
  return {};
}

Status PosixFileSystem::create_folders(const std::string& path, unsigned mode, const std::string& group) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (!folder.empty() && ::mkdir(folder.c_str(), 0700) == 0) {
      if (Status dressed = dress_folder(folder, mode, group); !dressed) {
        ::rmdir(folder.c_str());
        return dressed;
      }
      if (Status synced = sync_folder(folder_of(folder)); !synced) return synced;
    } else if (!folder.empty() && errno != EEXIST) {
      const int code = errno;
      // A folder that is there may answer with another error first (a read-only disk, for one).
      struct stat about {};
      if (::stat(folder.c_str(), &about) != 0 || !S_ISDIR(about.st_mode))
        return folder_error("create the folder", folder, code);
    }
    if (end == std::string::npos) break;
  }
  struct stat about {};
  if (::stat(path.empty() ? "." : path.c_str(), &about) != 0) return folder_error("look at", path, errno);
  if (!S_ISDIR(about.st_mode)) return folder_error("create the folder", path, ENOTDIR);
  return {};
}

Status PosixFileSystem::sync_folder(const std::string& path) {
  const std::string folder = path.empty() ? "." : path;
  Descriptor descriptor(
      uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (descriptor.get() < 0) return folder_error("open the folder", folder, errno);
  kill_point("sync.before", "folder");
  // Some file systems cannot sync a folder and say so; then there is nothing to wait for.
  if (uninterrupted([&] { return ::fsync(descriptor.get()); }) != 0 && errno != EINVAL) {
    return folder_error("write to the disk the folder", folder, errno);
  }
  kill_point("sync.after", "folder");
  return {};
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  DIR* folder = ::opendir(path.empty() ? "." : path.c_str());
  if (!folder) return folder_error("list the folder", path, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  const int code = errno;
  ::closedir(folder);
  if (code != 0) return folder_error("list the folder", path, code);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::uint64_t> PosixFileSystem::free_bytes(const std::string& path) {
  struct statvfs about {};
  if (uninterrupted([&] { return ::statvfs(path.empty() ? "." : path.c_str(), &about); }) != 0) {
    return system_error("look at the disk of", path, errno);
  }
  return static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
}

}  // namespace auditferry
