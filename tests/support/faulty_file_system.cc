#include "tests/support/faulty_file_system.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

namespace auditferry {
namespace {

struct Inode {
  std::string content;
  std::string durable;
  bool locked = false;
};

std::string folder_of_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// One change of the names in a folder: `to` leads to `inode`, and `from` to nothing any more.
struct NameChange {
  std::string folder;
  std::string from;
  std::string to;
  std::shared_ptr<Inode> inode;
};

using Names = std::map<std::string, std::shared_ptr<Inode>>;

void replay(const NameChange& change, Names& names) {
  if (!change.from.empty()) names.erase(change.from);
  if (!change.to.empty()) names[change.to] = change.inode;
}

}  // namespace

struct FaultyFileSystem::Disk {
  Names names;
  Names durable_names;
  std::vector<NameChange> unsynced;  // in the order in which they happened
  std::uint64_t calls = 0;
  std::uint64_t generation = 0;  // files of an earlier one are dead
  std::optional<std::uint64_t> fail_at;
  ErrorKind fail_kind = ErrorKind::io;
  std::optional<std::uint64_t> crash_at;
  bool crashed = false;
  std::optional<std::uint64_t> capacity;
  std::uint64_t failures = 0;
  std::uint64_t without_room = 0;

  // Counts a call; the error that it is to end with.
  std::optional<Error> call(const std::string& what) {
    if (crashed) return Error{ErrorKind::io, "the process is dead"};
    ++calls;
    if (crash_at && calls >= *crash_at) {
      crashed = true;
      return Error{ErrorKind::io, "the process died at: " + what};
    }
    if (fail_at && calls == *fail_at) {
      fail_at.reset();
      ++failures;
      return Error{fail_kind, "made to fail: " + what};
    }
    return std::nullopt;
  }
  void change(NameChange change) {
    replay(change, names);
    unsynced.push_back(std::move(change));
  }
  std::uint64_t used() const {
    std::set<const Inode*> seen;
    std::uint64_t bytes = 0;
    for (const auto& [path, inode] : names) {
      if (seen.insert(inode.get()).second) bytes += inode->content.size();
    }
    return bytes;
  }
};

class FaultyFileSystem::MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<Disk> disk, std::shared_ptr<Inode> inode, std::string path, bool locked)
      : disk_(std::move(disk)),
        inode_(std::move(inode)),
        path_(std::move(path)),
        locked_(locked),
        generation_(disk_->generation) {}
  ~MemoryFile() override {
    if (locked_ && generation_ == disk_->generation) inode_->locked = false;
  }

  Status append(std::string_view bytes) override {
    if (auto error = enter("append")) {
      if (alive_) inode_->content += bytes.substr(0, bytes.size() / 2);
      return *error;
    }
    if (disk_->capacity) {
      const std::uint64_t used = disk_->used();
      const std::uint64_t room = *disk_->capacity > used ? *disk_->capacity - used : 0;
      if (room < bytes.size()) {
        inode_->content += bytes.substr(0, static_cast<std::size_t>(room));
        ++disk_->without_room;
        return Error{ErrorKind::no_space, "cannot write to " + path_ + ": no space"};
      }
    }
    inode_->content += bytes;
    return {};
  }
  Result<std::string> read(std::uint64_t offset, std::size_t length) override {
    if (auto error = enter("read")) return *error;
    if (offset >= inode_->content.size()) return std::string();
    return inode_->content.substr(static_cast<std::size_t>(offset), length);
  }
  Result<std::uint64_t> size() override {
    if (auto error = enter("size")) return *error;
    return static_cast<std::uint64_t>(inode_->content.size());
  }
  Status truncate(std::uint64_t length) override {
    if (auto error = enter("truncate")) return *error;
    inode_->content.resize(static_cast<std::size_t>(length));
    return {};
  }
  Status sync() override {
    if (auto error = enter("sync")) return *error;
    inode_->durable = inode_->content;
    return {};
  }
  Result<bool> still_at_its_path() override {
    if (auto error = enter("still_at_its_path")) return *error;
    const auto found = disk_->names.find(path_);
    return found != disk_->names.end() && found->second == inode_;
  }

 private:
  // Whether the process was alive before the call decides if the disk may still be touched.
  std::optional<Error> enter(const std::string& what) {
    alive_ = !disk_->crashed && generation_ == disk_->generation;
    if (!alive_) return Error{ErrorKind::io, "the process is dead"};
    return disk_->call(what + " " + path_);
  }
  std::shared_ptr<Disk> disk_;
  std::shared_ptr<Inode> inode_;
  std::string path_;
  bool locked_;
  bool alive_ = true;
  std::uint64_t generation_;
};

FaultyFileSystem::FaultyFileSystem() : disk_(std::make_shared<Disk>()) {}
FaultyFileSystem::~FaultyFileSystem() = default;

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::string& path, const OpenOptions& options) {
  if (auto error = disk_->call("open " + path)) return *error;
  const auto found = disk_->names.find(path);
  std::shared_ptr<Inode> inode;
  if (found == disk_->names.end()) {
    if (!options.create) return Error{ErrorKind::not_found, path + " is not there"};
    inode = std::make_shared<Inode>();
    disk_->change({folder_of_path(path), "", path, inode});
  } else {
    if (options.create && options.exclusive) return Error{ErrorKind::busy, path + " exists"};
    inode = found->second;
  }
  if (options.lock) {
    if (inode->locked) return Error{ErrorKind::busy, path + " is locked"};
    inode->locked = true;
  }
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(disk_, inode, path, options.lock));
}

Result<bool> FaultyFileSystem::exists(const std::string& path) {
  if (auto error = disk_->call("exists " + path)) return *error;
  return disk_->names.count(path) > 0 || path == "." || path == "/";
}

Status FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  if (auto error = disk_->call("rename " + from)) return *error;
  const auto found = disk_->names.find(from);
  if (found == disk_->names.end()) return Error{ErrorKind::not_found, from + " is not there"};
  disk_->change({folder_of_path(to), from, to, found->second});
  return {};
}

Status FaultyFileSystem::remove(const std::string& path) {
  if (auto error = disk_->call("remove " + path)) return *error;
  if (disk_->names.count(path) == 0) return Error{ErrorKind::not_found, path + " is not there"};
  disk_->change({folder_of_path(path), path, "", nullptr});
  return {};
}

Status FaultyFileSystem::create_folders(const std::string& path, unsigned, const std::string&) {
  if (auto error = disk_->call("create_folders " + path)) return *error;
  return {};
}

Status FaultyFileSystem::sync_folder(const std::string& path) {
  if (auto error = disk_->call("sync_folder " + path)) return *error;
  std::vector<NameChange> others;
  for (NameChange& change : disk_->unsynced) {
    if (change.folder == path) {
      replay(change, disk_->durable_names);
    } else {
      others.push_back(std::move(change));
    }
  }
  disk_->unsynced = std::move(others);
  return {};
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& path) {
  if (auto error = disk_->call("list " + path)) return *error;
  std::vector<std::string> found;
  for (const auto& [name, inode] : disk_->names) {
    if (folder_of_path(name) == path) found.push_back(name.substr(name.rfind('/') + 1));
  }
  return found;
}

Result<std::uint64_t> FaultyFileSystem::free_bytes(const std::string& path) {
  if (auto error = disk_->call("free_bytes " + path)) return *error;
  if (!disk_->capacity) return std::uint64_t{1} << 40;
  return *disk_->capacity - std::min(*disk_->capacity, disk_->used());
}

std::uint64_t FaultyFileSystem::calls() const {
  return disk_->calls;
}

void FaultyFileSystem::fail_at(std::uint64_t n, ErrorKind kind) {
  disk_->fail_at = disk_->calls + n;
  disk_->fail_kind = kind;
}

void FaultyFileSystem::crash_at(std::uint64_t n) {
  disk_->crash_at = disk_->calls + n;
}
bool FaultyFileSystem::crashed() const {
  return disk_->crashed;
}
void FaultyFileSystem::set_capacity(std::optional<std::uint64_t> bytes) {
  disk_->capacity = bytes;
}
std::uint64_t FaultyFileSystem::failures() const {
  return disk_->failures;
}
std::uint64_t FaultyFileSystem::writes_without_room() const {
  return disk_->without_room;
}

FaultyFileSystem::Loss FaultyFileSystem::restart(Loss loss, std::uint64_t seed) {
  Disk& disk = *disk_;
  bool lost = false;
  bool survived = false;
  std::mt19937_64 random(seed);
  std::set<std::shared_ptr<Inode>> inodes;
  for (const auto& [path, inode] : disk.names) inodes.insert(inode);
  for (const auto& [path, inode] : disk.durable_names) inodes.insert(inode);
  for (const NameChange& change : disk.unsynced) {
    if (change.inode) inodes.insert(change.inode);
  }
  if (loss != Loss::none) {
    std::size_t kept = 0;
    if (loss == Loss::some && !disk.unsynced.empty()) kept = random() % (disk.unsynced.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) replay(disk.unsynced[i], disk.durable_names);
    survived = kept > 0;
    lost = kept < disk.unsynced.size();
    disk.names = disk.durable_names;
  }
  for (const auto& inode : inodes) {
    inode->locked = false;
    if (loss == Loss::none) continue;
    // The end of the file was moved forth or back and that is on the disk in part, or not at all.
    std::string after = inode->durable;
    if (loss == Loss::some && inode->content.starts_with(inode->durable)) {
      after = inode->content.substr(
          0, inode->durable.size() + random() % (inode->content.size() - inode->durable.size() + 1));
    } else if (loss == Loss::some && random() % 2 == 0) {
      after = inode->content;
    }
    lost = lost || after != inode->content;
    survived = survived || after != inode->durable;
    inode->content = after;
  }
  for (const auto& inode : inodes) inode->durable = inode->content;
  disk.durable_names = disk.names;
  disk.unsynced.clear();
  disk.crashed = false;
  disk.crash_at.reset();
  disk.fail_at.reset();
  ++disk.generation;
  return !lost ? Loss::none : survived ? Loss::some : Loss::all;
}

std::map<std::string, std::string> FaultyFileSystem::contents() const {
  std::map<std::string, std::string> all;
  for (const auto& [path, inode] : disk_->names) all[path] = inode->content;
  return all;
}

void FaultyFileSystem::put(const std::string& path, const std::string& content) {
  std::shared_ptr<Inode>& inode = disk_->names[path];
  if (!inode) inode = std::make_shared<Inode>();
  inode->content = inode->durable = content;
  disk_->durable_names[path] = inode;
}

void FaultyFileSystem::move_away(const std::string& from, const std::string& to) {
  for (Names* names : {&disk_->names, &disk_->durable_names}) {
    const auto found = names->find(from);
    if (found == names->end()) continue;
    (*names)[to] = found->second;
    names->erase(from);
  }
}

void FaultyFileSystem::erase(const std::string& path) {
  disk_->names.erase(path);
  disk_->durable_names.erase(path);
}

bool FaultyFileSystem::locked(const std::string& path) const {
  const auto found = disk_->names.find(path);
  return found != disk_->names.end() && found->second->locked;
}

}  // namespace auditferry
