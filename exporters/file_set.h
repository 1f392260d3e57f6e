#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exporters/file_closer.h"
#include "exporters/file_series.h"
#include "exporters/path_template.h"

namespace auditferry {

// All files of one exporter, and its batches as transactions over them. Blocks; one thread at a time.
class FileSet {
 public:
  // Preconditions: settings.path was checked. Everything outlives the set.
  FileSet(FileSystem& files, Log& log, const FileSettings& settings, std::string exporter);

  // Reads nothing but the state; files are looked at when they are needed.
  void load(const ExporterState& state, const Moment& now);
  WriteOutcome write(const std::vector<OutgoingRecord>& records, const Moment& now);
  // Closes files by age and works on closed ones.
  WriteOutcome tend(const Moment& now);
  // Whether there are closed files that tend() has not finished.
  bool unfinished() const { return !closer_.idle(); }
  void reopen(const Moment& now);
  void close();
  // Whether files can be made where the path leads; leaves nothing behind.
  Status greet();
  // For the ledger; what was taken is gone here.
  std::vector<std::pair<std::string, std::string>> take_notes() { return std::exchange(world_.notes, {}); }
  std::size_t descriptors() const { return holding_.size(); }

 private:
  struct Group {
    FileSeries* series = nullptr;
    std::vector<const OutgoingRecord*> lines;
    WallTime period_end;
  };
  FileSeries& series_of(const std::string& path, const Moment& now);
  std::vector<Group> group(const std::vector<OutgoingRecord>& records, const Moment& now);
  Status write_groups(const std::vector<Group>& groups, const Moment& now);
  Status sync_folders();
  // Keeps the number of descriptors bounded; the most recently used one is `used`.
  Status hold(FileSeries& used);
  void forget_descriptors();
  void commit(FileSeries& series, ExporterState& changes);
  Status close_old_files(const Moment& now, ExporterState& changes);
  void forget_old_series(ExporterState& changes);
  WriteOutcome failed(const Error& error, const Moment& now);

  FileSettings settings_;
  PathTemplate path_;
  FileWorld world_;
  FileCloser closer_;
  std::unordered_map<std::string, std::unique_ptr<FileSeries>> series_;
  std::list<FileSeries*> holding_;  // those with a descriptor, least recently written first
  ExporterState pending_;           // changes that no outcome has carried yet
  SteadyTime healthy_since_;
};

}  // namespace auditferry
