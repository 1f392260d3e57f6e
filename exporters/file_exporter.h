#pragma once

#include <memory>

#include "config/settings.h"
#include "exporters/catalog.h"
#include "exporters/file_settings.h"

namespace auditferry {

class FileSet;

// Type "file": lines to files, exactly once also across kill -9 and power loss. docs/files.md has the rules;
// file_series.h the way of a line. All work on files is done on world.blocking.
class FileExporter final : public Exporter {
 public:
  // Preconditions: settings.own holds FileSettings that were checked.
  FileExporter(const ExporterSettings& settings, ExporterWorld world);
  ~FileExporter() override;

  // Reads only the state; what cannot be opened shows at the first write.
  Task<Status> open(const ExporterState& state) override;
  // retry: full disk and I/O errors. pause: no permission, locked by somebody else, no file at the path.
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  Task<Status> greet() override;
  Task<void> reopen() override;
  Task<WriteOutcome> tend() override;
  bool unfinished() const override;
  Task<void> close() override;

 private:
  void pass_notes_on();

  ExporterWorld world_;
  // Touched by the blocking executor's thread only while the loop waits for it.
  std::unique_ptr<FileSet> files_;
};

}  // namespace auditferry
