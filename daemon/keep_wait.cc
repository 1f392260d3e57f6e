#include "daemon/keep_wait.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "storage/jobs.h"
#include "storage/journal.h"
#include "storage/state_dir.h"

namespace auditferry {
namespace {

// root makes files that are of no use to the user that will run the daemon: they belong to whom the folder belongs to.
Status give_to_owner_of(const std::string& folder) {
  struct stat about {};
  if (::geteuid() != 0 || ::stat(folder.c_str(), &about) != 0 || about.st_uid == 0) return {};
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    if (::lchown(entry.path().c_str(), about.st_uid, about.st_gid) != 0)
      return Error{ErrorKind::permission, "cannot give " + entry.path().string() + " to the owner of " + folder + ": chown it"};
  }
  return {};
}

Status make_journal(const std::string& state_dir, const Penalty& penalty) {
  const Result<StateDir> held = StateDir::acquire(state_dir);
  if (!held) return held.error();
  const Result<std::unique_ptr<Journal>> journal = Journal::open(held->journal_path());
  if (!journal) return journal.error();
  Status kept = (*journal)->set_penalty(penalty);
  Status closed = (*journal)->close();
  if (!kept) return kept;
  if (!closed) return closed;
  return give_to_owner_of(state_dir);
}

}  // namespace

Status keep_wait(const std::string& state_dir, const Penalty& penalty, WallTime now) {
  const std::string journal = state_dir + "/journal.db";
  std::error_code error;
  if (!std::filesystem::exists(journal, error)) {
    Status made = make_journal(state_dir, penalty);
    if (made.ok() || made.error().kind != ErrorKind::busy) return made;
    // Somebody has just begun: it is theirs.
  }
  const Result<std::unique_ptr<JobClient>> client = JobClient::open(journal);
  if (!client) return client.error();
  Status kept = (*client)->keep_penalty(penalty);
  if (!kept || !StateDir::owner(state_dir)) return kept;
  const Result<std::int64_t> told = (*client)->add("obey_waits", "{}", now);
  return told.ok() ? Status() : Status(told.error());
}

}  // namespace auditferry
