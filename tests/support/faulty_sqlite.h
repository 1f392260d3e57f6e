#pragma once
// A SQLite VFS (sqlite.org/vfs.html) whose calls fail on demand, with a model of what a power loss leaves of
// the files. Includes no heavy header; link SQLite.

#include <cstdint>
#include <map>
#include <memory>
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
  // Whether a call has failed since fail_at().
  bool has_failed() const;
  // The n-th call from now and all later ones do nothing but fail: the process is dead (or the power is gone).
  void crash_at(std::uint64_t n);
  bool crashed() const;
  // After every database has been closed: leaves of the files what survives, and works again.
  void restart(Loss loss, std::uint64_t seed);

  struct State;  // faulty_sqlite.cc

 private:
  std::unique_ptr<State> state_;
};

}  // namespace auditferry
