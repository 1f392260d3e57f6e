#include "tests/support/faulty_sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>

namespace auditferry {
namespace {

constexpr std::size_t sector_bytes = 512;

// One write or truncation that was not synced yet.
struct Change {
  std::uint64_t offset = 0;
  std::string bytes;
  bool truncates = false;  // to `offset`
};

struct FileModel {
  std::string durable;
  std::vector<Change> pending;
};

void apply(const Change& change, std::string& content) {
  if (change.truncates) {
    content.resize(change.offset);
    return;
  }
  content.resize(std::max<std::size_t>(content.size(), change.offset + change.bytes.size()));
  content.replace(change.offset, change.bytes.size(), change.bytes);
}

}  // namespace

struct FaultySqlite::State {
  enum class Call { read, write, sync, truncate, lock };

  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::map<std::string, FileModel> files;
  std::uint64_t calls = 0;
  std::uint64_t fail_at = 0;  // 0: never
  Fault fault = Fault::io_error;
  bool failed = false;
  std::map<Fault, std::uint64_t> failures;
  std::optional<std::uint64_t> room;  // bytes by which the files may still grow
  std::uint64_t without_room = 0;
  std::uint64_t crash_at = 0;
  bool dead = false;

  // SQLITE_OK, or how this call has to fail.
  int judge(Call call) {
    ++calls;
    if (crash_at != 0 && calls >= crash_at) dead = true;
    const bool due = fail_at != 0 && calls >= fail_at;
    if (dead) return fail(error_of(call));
    if (due && fault == Fault::io_error) return strike(error_of(call));
    if (due && fault == Fault::full && call == Call::write) return strike(SQLITE_FULL);
    if (due && fault == Fault::busy && call == Call::lock) return strike(SQLITE_BUSY);
    return SQLITE_OK;
  }
  int strike(int code) {
    ++failures[fault];
    return fail(code);
  }
  int fail(int code) {
    fail_at = 0;
    failed = true;
    return code;
  }
  // Whether a file of `size` bytes may become one of `wanted`.
  bool may_grow(std::uint64_t size, std::uint64_t wanted) {
    if (!room || wanted <= size) return true;
    const std::uint64_t growth = wanted - size;
    if (growth > *room) {
      ++without_room;
      failed = true;
      return false;
    }
    *room -= growth;
    return true;
  }
  static int error_of(Call call) {
    switch (call) {
      case Call::read: return SQLITE_IOERR_READ;
      case Call::write: return SQLITE_IOERR_WRITE;
      case Call::sync: return SQLITE_IOERR_FSYNC;
      case Call::truncate: return SQLITE_IOERR_TRUNCATE;
      case Call::lock: return SQLITE_IOERR_LOCK;
    }
    return SQLITE_IOERR;
  }
};

namespace {

using State = FaultySqlite::State;

// What SQLite sees as a file; the real one follows it in memory.
struct WatchedFile {
  sqlite3_file base;
  State* state;
  FileModel* model;  // nothing: a temporary file
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

WatchedFile& watched(sqlite3_file* file) { return *reinterpret_cast<WatchedFile*>(file); }

int close_file(sqlite3_file* file) { return watched(file).real()->pMethods->xClose(watched(file).real()); }

int read_file(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
  WatchedFile& self = watched(file);
  if (const int code = self.state->judge(State::Call::read)) return code;
  return self.real()->pMethods->xRead(self.real(), into, bytes, offset);
}

int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  WatchedFile& self = watched(file);
  const int code = self.state->judge(State::Call::write);
  if (code != SQLITE_OK) {
    if (self.state->dead) return code;
    bytes /= 2;
  }
  if (code == SQLITE_OK && self.state->room) {
    sqlite3_int64 size = 0;
    self.real()->pMethods->xFileSize(self.real(), &size);
    if (!self.state->may_grow(static_cast<std::uint64_t>(size), static_cast<std::uint64_t>(offset + bytes))) return SQLITE_FULL;
  }
  if (self.model) {
    self.model->pending.push_back({static_cast<std::uint64_t>(offset), std::string(static_cast<const char*>(from), static_cast<std::size_t>(bytes)), false});
  }
  const int written = self.real()->pMethods->xWrite(self.real(), from, bytes, offset);
  return code != SQLITE_OK ? code : written;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  WatchedFile& self = watched(file);
  if (const int code = self.state->judge(State::Call::truncate)) return code;
  if (self.model) self.model->pending.push_back({static_cast<std::uint64_t>(size), {}, true});
  return self.real()->pMethods->xTruncate(self.real(), size);
}

int sync_file(sqlite3_file* file, int) {
  WatchedFile& self = watched(file);
  if (const int code = self.state->judge(State::Call::sync)) return code;
  if (!self.model) return SQLITE_OK;
  // The model is the disk: nothing needs to reach the real one.
  for (const Change& change : self.model->pending) apply(change, self.model->durable);
  self.model->pending.clear();
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) { return watched(file).real()->pMethods->xFileSize(watched(file).real(), size); }

int lock_file(sqlite3_file* file, int level) {
  WatchedFile& self = watched(file);
  if (const int code = self.state->judge(State::Call::lock)) return code;
  return self.real()->pMethods->xLock(self.real(), level);
}
int unlock_file(sqlite3_file* file, int level) { return watched(file).real()->pMethods->xUnlock(watched(file).real(), level); }
int check_reserved_lock(sqlite3_file* file, int* result) {
  return watched(file).real()->pMethods->xCheckReservedLock(watched(file).real(), result);
}
int file_control(sqlite3_file* file, int what, void* argument) {
  return watched(file).real()->pMethods->xFileControl(watched(file).real(), what, argument);
}
int sector_size(sqlite3_file* file) { return watched(file).real()->pMethods->xSectorSize(watched(file).real()); }
// No promise of any device: SQLite has to expect torn sectors.
int device_characteristics(sqlite3_file*) { return 0; }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return watched(file).real()->pMethods->xShmMap(watched(file).real(), page, size, extend, memory);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  WatchedFile& self = watched(file);
  if ((flags & SQLITE_SHM_LOCK) != 0) {
    const int code = self.state->judge(State::Call::lock);
    if (code != SQLITE_OK) return code == SQLITE_BUSY ? SQLITE_BUSY : SQLITE_IOERR_SHMLOCK;
  }
  return self.real()->pMethods->xShmLock(self.real(), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) { watched(file).real()->pMethods->xShmBarrier(watched(file).real()); }
int shm_unmap(sqlite3_file* file, int remove) { return watched(file).real()->pMethods->xShmUnmap(watched(file).real(), remove); }

// Version 2: no memory mapped reads, which would pass by unseen.
const sqlite3_io_methods methods = {2,           close_file,  read_file,   write_file,  truncate_file,       sync_file,    file_size,
                                    lock_file,   unlock_file, check_reserved_lock, file_control, sector_size, device_characteristics,
                                    shm_map,     shm_lock,    shm_barrier, shm_unmap,   nullptr,             nullptr};

State& state_of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  State& state = state_of(vfs);
  WatchedFile& self = watched(file);
  self.base.pMethods = nullptr;
  if (state.dead) return SQLITE_IOERR;
  const int code = state.real->xOpen(state.real, name, self.real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  self.state = &state;
  self.model = name ? &state.files[name] : nullptr;
  self.base.pMethods = &methods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  State& state = state_of(vfs);
  if (state.dead) return SQLITE_IOERR_DELETE;
  // Durable at once: a file that came back would be one that SQLite has to cope with anyway.
  state.files.erase(name);
  return state.real->xDelete(state.real, name, sync_folder);
}

int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  return state_of(vfs).real->xAccess(state_of(vfs).real, name, flags, result);
}
int full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) {
  return state_of(vfs).real->xFullPathname(state_of(vfs).real, name, size, out);
}
int randomness(sqlite3_vfs* vfs, int size, char* out) { return state_of(vfs).real->xRandomness(state_of(vfs).real, size, out); }
// A wait for a lock ends at once.
int sleep_not(sqlite3_vfs*, int microseconds) { return microseconds; }
int current_time(sqlite3_vfs* vfs, double* out) { return state_of(vfs).real->xCurrentTime(state_of(vfs).real, out); }
int last_error(sqlite3_vfs* vfs, int size, char* out) { return state_of(vfs).real->xGetLastError(state_of(vfs).real, size, out); }
int current_time_64(sqlite3_vfs* vfs, sqlite3_int64* out) { return state_of(vfs).real->xCurrentTimeInt64(state_of(vfs).real, out); }

std::vector<Change> sectors_of(const Change& change) {
  if (change.truncates) return {change};
  std::vector<Change> sectors;
  for (std::size_t at = 0; at < change.bytes.size();) {
    const std::size_t size = std::min(change.bytes.size() - at, sector_bytes - (change.offset + at) % sector_bytes);
    sectors.push_back({change.offset + at, change.bytes.substr(at, size), false});
    at += size;
  }
  return sectors;
}

}  // namespace

FaultySqlite::FaultySqlite() : state_(std::make_unique<State>()) {
  State& state = *state_;
  sqlite3_initialize();
  state.real = sqlite3_vfs_find(nullptr);
  sqlite3_vfs& vfs = state.vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(WatchedFile)) + state.real->szOsFile;
  vfs.mxPathname = state.real->mxPathname;
  vfs.zName = "faulty";
  vfs.pAppData = &state;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep_not;
  vfs.xCurrentTime = current_time;
  vfs.xGetLastError = last_error;
  vfs.xCurrentTimeInt64 = current_time_64;
  sqlite3_vfs_register(&vfs, 1);
}

FaultySqlite::~FaultySqlite() { sqlite3_vfs_unregister(&state_->vfs); }

std::uint64_t FaultySqlite::calls() const { return state_->calls; }

void FaultySqlite::fail_at(std::uint64_t n, Fault fault) {
  state_->fail_at = state_->calls + n;
  state_->fault = fault;
  state_->failed = false;
}

void FaultySqlite::repair() { state_->fail_at = 0; }

bool FaultySqlite::has_failed() const { return state_->failed; }

std::uint64_t FaultySqlite::failures(Fault fault) const {
  const auto found = state_->failures.find(fault);
  return found == state_->failures.end() ? 0 : found->second;
}

void FaultySqlite::set_room(std::optional<std::uint64_t> bytes) {
  if (bytes) state_->failed = false;
  state_->room = bytes;
}

std::uint64_t FaultySqlite::writes_without_room() const { return state_->without_room; }

void FaultySqlite::crash_at(std::uint64_t n) { state_->crash_at = state_->calls + n; }

bool FaultySqlite::crashed() const { return state_->dead; }

FaultySqlite::Loss FaultySqlite::restart(Loss loss, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  bool lost = false;
  bool kept = false;
  for (auto& [path, model] : state_->files) {
    if (loss != Loss::none) {
      std::string content = model.durable;
      for (const Change& change : model.pending) {
        for (const Change& sector : sectors_of(change)) {
          const bool survives = loss == Loss::some && random() % 2 == 0;
          (survives ? kept : lost) = true;
          if (survives) apply(sector, content);
        }
      }
      std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
      model.durable = std::move(content);
    } else {
      for (const Change& change : model.pending) apply(change, model.durable);
    }
    model.pending.clear();
    // The shared memory file is rebuilt from the log after a reboot.
    if (loss != Loss::none && path.size() < 4) continue;
    if (loss != Loss::none) std::filesystem::remove(path + "-shm");
  }
  state_->dead = false;
  state_->crash_at = 0;
  state_->fail_at = 0;
  return !lost ? Loss::none : kept ? Loss::some : Loss::all;
}

}  // namespace auditferry
