#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/exporter.h"
#include "core/file_system.h"
#include "core/log.h"
#include "exporters/file_progress.h"
#include "exporters/file_settings.h"

namespace auditferry {

// One reading of both clocks.
struct Moment {
  WallTime wall;
  SteadyTime steady;
};

// What the series of one exporter share. One thread at a time; outlives them.
struct FileWorld {
  FileSystem& files;
  Log& log;
  const FileSettings& settings;
  std::string exporter;  // its name, for the log
  // For the ledger, in order; the exporter takes them away.
  std::vector<std::pair<std::string, std::string>> notes = {};
  // Names were made in these: to be synced before anything in them counts.
  std::set<std::string> unsynced_folders = {};
  std::string buffer = {};  // for putting lines together
};

// The numbered files of one path: at most one of them is written. A batch is a transaction: write() and
// sync() put its lines on the disk, then commit() makes their place known, or roll_back() takes all back.
// Rotation happens before a line is appended, never within a line, and never renames.
//
// After a start, and whenever the file is longer than we know, what is there is compared with what is to be
// written: equal lines are adopted, the incomplete beginning of the next line is cut off, and at anything
// else the file is left as it is and the next number begins.
class FileSeries {
 public:
  using Lines = std::span<const OutgoingRecord* const>;

  // `committed` is what the exporter's state says of the path.
  FileSeries(FileWorld& world, std::string path, SeriesProgress committed, SteadyTime now);

  // `period_end` belongs to the path. After an error roll_back() follows.
  Status write(Lines lines, WallTime period_end, const Moment& now);
  // What was written or adopted is on the disk when it returns; folders are the caller's.
  Status sync();
  // Takes the position over. The files that were closed meanwhile are appended to `closed`.
  void commit(std::vector<ClosedFile>& closed);
  // Cuts off what the batch appended and did not sync; if that fails, the next write() begins with it.
  void roll_back();

  // Closes the file for good if it is old enough; needs a commit() or roll_back().
  Status close_if_due(const Moment& now, SteadyTime healthy_since);
  // Gives the descriptor and the lock back; the file is opened again when it is needed.
  Status release();
  // For SIGHUP: release(), after a look whether the path still leads to the file.
  Status reopen(const Moment& now);

  const std::string& path() const { return path_; }
  const SeriesProgress& committed() const { return committed_; }
  bool has_descriptor() const { return file_ != nullptr; }
  SteadyTime last_write() const { return last_write_; }
  // Something is to be committed.
  bool changed() const { return changed_; }

 private:
  struct Cut {
    std::string path;
    std::uint64_t length;
  };
  std::string current_path() const;
  std::uint64_t tail_bytes() const { return size_ - current_.open->bytes; }
  Status finish_cut();
  Status prepare(Lines lines, const Moment& now);
  Status examine(const Moment& now);
  Status examine_size(const Moment& now);
  Status open_fresh(Lines lines, const Moment& now);
  Result<bool> compressed_exists(std::uint64_t number);
  Result<bool> begins_like(File& file, std::uint64_t size, Lines lines);
  Result<std::size_t> adopt(Lines lines, const Moment& now);
  Result<bool> continues_in_next(Lines lines);
  bool is_due(const Moment& now) const;
  std::size_t lines_that_fit(Lines lines) const;
  Status append(Lines lines);
  Status append_buffer();
  void account(const OutgoingRecord& line, std::uint64_t bytes);
  Status close_current(const Moment& now);
  Status abandon(const std::string& why, const Moment& now);
  void leave_moved(const Moment& now);
  void next_number(std::uint64_t number, const Moment& now);
  OpenOptions open_options(bool create) const;
  std::vector<LogField> fields() const { return {{"exporter", world_.exporter}}; }

  FileWorld& world_;
  std::string path_;
  SeriesProgress committed_;
  SeriesProgress current_;
  std::unique_ptr<File> file_;  // the one of current_.open
  std::uint64_t size_ = 0;      // of file_; what is beyond current_.open->bytes is not known to be ours
  bool examined_ = false;       // size_ and the path were looked at in this batch
  bool recovering_ = true;      // until the first line that had really to be appended
  bool changed_ = false;
  bool unsynced_ = false;
  std::optional<std::uint64_t> appended_from_;  // where this batch began to append to file_
  std::optional<Cut> cut_;                      // what roll_back() could not do
  SteadyTime last_write_;
  std::optional<SteadyTime> tail_seen_;                     // since when there is a tail
  std::vector<ClosedFile> closed_;                          // in this batch
  std::vector<std::pair<std::string, std::string>> notes_;  // of this batch
  WallTime period_end_ = WallTime::max();
};

}  // namespace auditferry
