#include "storage/salvage_in_place.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/kill_point.h"
#include "storage/journal_copy.h"

namespace auditferry {
namespace {

std::string rescued_name(const std::string& journal) { return journal + ".salvaged"; }

bool is_there(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

struct DamagedName {
  std::string name;
  bool taken = false;  // it is a second name of the journal already
};

// The name that an interrupted change has given, or the first of its kind that is free.
DamagedName name_for_damaged(const std::string& journal) {
  for (int number = 1;; ++number) {
    std::string name = journal + ".damaged-" + std::to_string(number);
    std::error_code ignored;
    if (std::filesystem::equivalent(name, journal, ignored)) return {std::move(name), true};
    if (!is_there(name) && !is_there(name + "-wal")) return {std::move(name), false};
  }
}

class PlaceChange {
 public:
  PlaceChange(const std::string& journal, const std::function<void()>& after_step) : journal_(journal), after_step_(after_step) {}

  // The damaged file gets its second name first, so that it is never without one, then its log follows it; the rescued
  // journal comes into a place where no log is left that SQLite would take for its own.
  Status run(const DamagedName& damaged) {
    if (!damaged.taken && link(journal_.c_str(), damaged.name.c_str()) != 0) return failed("keep the damaged journal under another name");
    Status status = step_done();
    for (const char* end : {"-wal", "-shm"}) {
      if (status.ok()) status = move_beside(damaged.name, end);
    }
    if (!status) return status;
    if (std::rename(rescued_name(journal_).c_str(), journal_.c_str()) != 0) return failed("put the rescued journal in its place");
    return step_done();
  }

 private:
  Error failed(const char* doing) const {
    return Error{ErrorKind::io, std::string("cannot ") + doing + " (" + journal_ + "): " + std::strerror(errno) +
                                    "; nothing is lost: check the disk, and give 'auditferry journal salvage' again, which goes on from here"};
  }
  // Each step is on the disk before the next one.
  Status step_done() const {
    const Status synced = sync_folder_of(journal_);
    kill_point("salvage.step");
    if (synced.ok() && after_step_) after_step_();
    return synced;
  }
  Status move_beside(const std::string& damaged, const char* end) const {
    const std::string from = journal_ + end;
    const std::string to = damaged + end;
    // Whoever has looked at the journal since its log was moved has left an empty one.
    const int code = is_there(to) ? unlink(from.c_str()) : std::rename(from.c_str(), to.c_str());
    if (code != 0 && errno != ENOENT) return failed("move the damaged journal's log");
    return step_done();
  }

  const std::string& journal_;
  const std::function<void()>& after_step_;
};

}  // namespace

Status refuse_unfinished_salvage(const std::string& journal) {
  if (!is_there(rescued_name(journal))) return {};
  return Error{ErrorKind::busy, "a salvage of the journal " + journal + " was interrupted before the rescued journal was in its place (" +
                                    rescued_name(journal) + "): give 'auditferry journal salvage' again, which brings it to its end; nothing is lost"};
}

Result<SalvagedInPlace> salvage_in_place(const std::string& journal, WallTime now, const std::function<void()>& after_step) {
  SalvagedInPlace done;
  const std::string rescued = rescued_name(journal);
  const DamagedName damaged = name_for_damaged(journal);
  const bool goes_on = damaged.taken && is_there(rescued);
  if (!goes_on) {
    // One that was interrupted before the damaged journal was touched may be older than what the journal holds by now.
    remove_built(rescued);
    Result<SalvageReport> report = salvage_journal(journal, rescued, now);
    if (!report) return report.error();
    done.report = std::move(report).value();
  }
  const Status placed = PlaceChange(journal, after_step).run(damaged);
  if (!placed) return placed.error();
  done.damaged = damaged.name;
  return done;
}

}  // namespace auditferry
