#pragma once
// Everything around the program, and the program in it: portal, far ends, disk, clock, and the lives of one
// process after the other.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/program.h"
#include "sandbox/portal.h"
#include "tests/simulation/configuration.h"
#include "tests/simulation/far_end.h"
#include "tests/simulation/stepping_loop.h"
#include "tests/simulation/trace.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/faulty_sqlite.h"
#include "tests/support/no_network.h"
#include "tests/support/temporary_folder.h"

namespace auditferry::simulation {

// A way of asking that has been in use: what the oracle holds a collection against.
struct Asked {
  std::string vendor;
  std::string stream;
  std::string query;
  std::vector<WallTime> begins;  // the portal's time whenever a process began to ask with it
};

class World {
 public:
  explicit World(std::uint64_t seed, bool loud = false);
  ~World();

  // Nothing: as large as anybody wants. While the disk is full nobody asks, so with room asking begins anew.
  void set_disk(std::optional<std::uint64_t> bytes);
  // A process begins. Empty: it did; it may also have died at once (dead()).
  void begin();
  bool alive() const { return program_ != nullptr; }
  // Lets it run; it may die.
  void run(Duration duration);
  // Nobody runs: time passes.
  void stand_still(Duration duration);
  // SIGTERM, and awaits the end.
  void end();
  // The process dies now, with everything that was not synced.
  void die(const std::string& how);
  // What the program has come to: everything shown up to `until`, published, and settled by every exporter.
  bool caught_up(WallTime until, std::string& why_not);

  WallTime portal_time() { return base_ + loop.clock().slept(); }
  std::string journal_path() const { return folder_ / "journal.db"; }
  FarEnd& far_end(const std::string& name);
  void complain(std::string what);

  SteppingLoop loop;
  Trace trace;
  Random random;
  FaultySqlite sqlite;
  FaultyFileSystem files;
  Configuration configuration;
  std::unique_ptr<Portal> portal;
  std::map<std::string, FarEnd> far_ends;
  std::map<std::string, Asked> asked;  // by fingerprint
  std::vector<std::string> complaints;
  Duration latency = std::chrono::milliseconds(20);
  bool unreachable = false;
  Duration slowest_disk = std::chrono::milliseconds(4);
  // The process dies after so many more handlers of the loop; 0: not by this.
  std::uint64_t die_after_steps = 0;
  std::uint64_t deaths = 0;

 private:
  class Link;
  void fix_epoch();
  void note_begin(const Settings& settings);
  Surroundings surroundings();
  bool check_death();
  void kill(const std::string& how);
  void bury();

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  WallTime base_;
  SlowExecutor storage_thread_;
  NoNetwork network_;
  std::unique_ptr<Random> program_random_;
  std::unique_ptr<Program> program_;
  bool dead_ = false;
  bool disk_is_full_ = false;
};

}  // namespace auditferry::simulation
