#pragma once
// Everything around the program, and the program in it: portal, far ends, disk, clock, and the lives of one
// process after the other.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/program.h"
#include "sandbox/portal.h"
#include "storage/snapshot.h"
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

// What a running program has said of a collection, by the portal's time.
struct Seen {
  WallTime start{};  // the earliest that was told
  WallTime start_told{};
  std::vector<std::pair<WallTime, std::vector<CoverageInterval>>> coverage;  // at each change
};

// A record that the portal has changed.
struct Changed {
  std::set<std::string> versions;  // all that it has ever said
  WallTime last{};                 // when it said the last one
};

// As the entry of an answer whose JSON has another shape: a record without id and time, where a log is an array of records.
inline constexpr const char* made_up_record = R"({"entries":{}})";

// In answers of the portal: the name of the fault that made them.
inline constexpr const char* fault_header = "X-Simulated-Fault";

class World {
 public:
  explicit World(std::uint64_t seed, bool loud = false);
  ~World();

  // The machine's clock jumps; so far it is ahead of the portal by clock_offset().
  void jump_clock(Duration by);
  Duration clock_offset() { return loop.clock().now() - portal_time(); }
  // A process began then, and while it ran the portal never said what time it is: the most by which its own clock was
  // ahead. Else nothing.
  Duration misled_by(WallTime begin);
  // When the machine's clock showed this, by the portal's time: it may have done so several times.
  std::vector<WallTime> portal_times_of(WallTime shown);
  // The portal's Date is off by so much.
  void set_date_offset(Duration offset);
  // The portal forgets what is older, from now on.
  void set_retention(Duration retention);
  bool forgotten_at(WallTime created, WallTime when) const;
  // The portal says something else of a record from now on.
  void change(const char* log, const RecordInfo& record);
  // Nothing: as large as anybody wants. While the disk is full nobody asks, so with other room asking may begin anew.
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
  std::map<std::int64_t, Seen> seen;  // by collection
  std::map<std::pair<std::string, std::string>, Changed> changed;  // by log and id
  std::set<std::string> made_up_for;  // the vendors whose answers held made_up_record
  std::vector<std::string> complaints;
  Duration date_offset{};
  Duration latency = std::chrono::milliseconds(20);
  bool unreachable = false;
  bool by_event = false;        // AppTego's logs are in the order of their numbers, not of time
  bool judges_limits = false;   // known limits count as losses, too
  Duration slowest_disk = std::chrono::milliseconds(4);
  // The process dies after so many more handlers of the loop; 0: not by this.
  std::uint64_t die_after_steps = 0;
  std::uint64_t deaths = 0;
  std::uint64_t answers = 0;  // of the portal, to processes that lived

 private:
  class Link;
  // The portal has asked for a wait.
  struct Limit {
    Duration since{};  // FakeClock::slept
    Duration until{};
  };
  void fix_epoch();
  // What a running program says of itself just now, for the oracle.
  void observe();
  void observe(const JournalSnapshot& snapshot);
  void check_letters(const ExporterRow& row, const std::vector<std::uint64_t>& letters);
  // Of the waits, what a process that begins can know.
  void take_over_limits(const Settings& settings);
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
  std::map<std::string, Limit> limits_;  // by credential, as it is sent
  std::vector<std::pair<WallTime, Duration>> clock_offsets_;  // from when on, by the portal's time
  std::vector<std::pair<WallTime, std::uint64_t>> lives_;     // when each began, and the answers before it
  std::vector<std::pair<WallTime, Duration>> retentions_;
  std::map<std::string, std::set<std::uint64_t>> letters_;  // dead letters known so far, by exporter
  bool dead_ = false;
  bool disk_is_full_ = false;
};

}  // namespace auditferry::simulation
