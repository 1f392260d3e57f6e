#pragma once

#include <deque>
#include <memory>
#include <string>

#include "encoding/compress.h"
#include "encoding/hash.h"
#include "exporters/file_series.h"

namespace auditferry {

// Finishes closed files: hashes them for the ledger ("file_closed") and compresses them. It may be
// interrupted anywhere: the compressed file is made under a hidden temporary name, put on the disk, renamed
// into place, and only when that has been committed is the original removed. One thread at a time.
class FileCloser {
 public:
  explicit FileCloser(FileWorld& world) : world_(world) {}

  void add(ClosedFile file) { waiting_.push_back(std::move(file)); }
  bool idle() const { return waiting_.empty(); }

  // A bounded piece of work. Changes of the exporter's state are added to `changes`; the next step may rely
  // on their having been committed. After an error the file is begun anew at the next step.
  Status step(ExporterState& changes);

 private:
  struct Work;  // a file that is being read
  Status begin(ExporterState& changes);
  Status read_on(ExporterState& changes);
  Status finish(ExporterState& changes);
  Status put_in_place(bool& placed);
  Status remove_original(ExporterState& changes);
  Result<bool> same_bytes(const std::string& a, const std::string& b);
  void note_closed(const std::string& sha256);
  void done(ExporterState& changes);
  std::string compressed_path() const;
  std::string temporary_path() const;

  FileWorld& world_;
  std::deque<ClosedFile> waiting_;  // the first one is worked on
  std::shared_ptr<Work> work_;
};

}  // namespace auditferry
