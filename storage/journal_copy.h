#pragma once
// Copies of a journal: made beside a running daemon, and recognised when one is opened in its place.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace auditferry {

class Journal;

struct CopyReport {
  std::uint64_t bytes = 0;
  std::uint64_t last_seq = 0;
  std::string epoch;
};

// Copies the journal at `from`, as it is at this moment, into the new file `to` (mode 0600), which must not exist.
// It appears under its name when it is whole, checked and on the disk. Never blocks the writer; what the writer adds
// meanwhile stays in its write-ahead log until the copy is made. The copy is marked: see recognise_copy().
Result<CopyReport> copy_journal(const std::string& from, const std::string& to, WallTime now);

struct RecognisedCopy {
  WallTime copied_at{};
  std::string epoch_before;
  std::string epoch;
};

// To be called once after a journal was opened for writing. A marked copy gets an epoch of its own and a row
// "restored" in the ledger, which names the positions it was restored with, and loses the mark: one transaction.
// Nothing: it is no copy, or one that was recognised before.
Result<std::optional<RecognisedCopy>> recognise_copy(Journal& journal, WallTime now);

// Gives a complete file that was built under another name its own, unless that name is taken: fsync of the file, the
// name, fsync of the folder. On an error the file under `built` is removed.
Status put_in_place(const std::string& built, const std::string& to);
// fsync of the folder that holds `path`.
Status sync_folder_of(const std::string& path);
// A new empty file beside `to`, for its owner only, that put_in_place() will take.
Result<std::string> begin_file_for(const std::string& to);
// Removes such a file and what SQLite keeps beside it.
void remove_built(const std::string& path);

}  // namespace auditferry
