#pragma once
// A SQLite VFS (sqlite.org/vfs.html) whose calls fail on demand, with a model of what a power loss leaves of
// the files. Includes no heavy header; link SQLite.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace auditferry {

// While it lives, every database that is opened goes through it. One at a time in a process; files that
// existed before are not known to it. Thread-safe as far as one database is used by one thread.
class FaultySqlite {
 public:
  enum class Fault { io_error, full, busy };
  enum class Loss {
    none,  // the process died: the system still has everything that was written
    all,   // power loss: only what was synced is there
    some,  // power loss: and a random part of the rest, in sectors of 512 bytes, in any order
  };

  FaultySqlite();
  ~FaultySqlite();
  FaultySqlite(const FaultySqlite&) = delete;
  FaultySqlite& operator=(const FaultySqlite&) = delete;

  // Reads, writes, syncs, truncations and locks so far.
  std::uint64_t calls() const;
  // The n-th call from now fails once: io_error hits any call (a write has then written half of its bytes), full
  // the next write or growth from then on, busy the next lock.
  void fail_at(std::uint64_t n, Fault fault);
  void repair();  // nothing fails any more
  // Whether a call has failed since fail_at() or set_capacity().
  bool has_failed() const;
  // How many calls have failed in this way by fail_at(), ever.
  std::uint64_t failures(Fault fault) const;
  // From now on the files together may not grow beyond so many bytes more; nothing: they may. Every write and growth
  // that does not fit fails with SQLITE_FULL.
  void set_room(std::optional<std::uint64_t> bytes);
  std::uint64_t writes_without_room() const;  // ever
  // The n-th call from now and all later ones do nothing but fail: the process is dead (or the power is gone).
  void crash_at(std::uint64_t n);
  bool crashed() const;
  // After every database has been closed: leaves of the files what survives, and works again. Returns what it came
  // to: none where nothing was lost, all where nothing is left of what was not synced.
  Loss restart(Loss loss, std::uint64_t seed);

  struct State;  // faulty_sqlite.cc

 private:
  std::unique_ptr<State> state_;
};

}  // namespace auditferry
