#include "exporters/file_exporter.h"

#include <utility>

#include "core/run_blocking.h"
#include "exporters/file_set.h"

namespace auditferry {
namespace {

Moment now_of(Clock& clock) {
  return {clock.now(), clock.steady_now()};
}

}  // namespace

FileExporter::FileExporter(const ExporterSettings& settings, ExporterWorld world)
    : world_(std::move(world)),
      files_(std::make_unique<FileSet>(world_.files, world_.log,
                                       std::any_cast<const FileSettings&>(settings.own), settings.name)) {}

FileExporter::~FileExporter() = default;

void FileExporter::pass_notes_on() {
  for (auto& [kind, detail] : files_->take_notes()) world_.note(std::move(kind), std::move(detail));
}

Task<Status> FileExporter::open(const ExporterState& state) {
  files_->load(state, now_of(world_.clock));
  co_return Status();
}

Task<WriteOutcome> FileExporter::write(const std::vector<OutgoingRecord>& records, WriteProgress&) {
  const Moment now = now_of(world_.clock);
  auto job = [this, &records, now] { return files_->write(records, now); };
  WriteOutcome outcome = co_await run_blocking(world_.blocking, job);
  pass_notes_on();
  co_return outcome;
}

Task<Status> FileExporter::greet() {
  auto job = [this] { return files_->greet(); };
  Status greeted = co_await run_blocking(world_.blocking, job);
  co_return greeted;
}

Task<void> FileExporter::reopen() {
  const Moment now = now_of(world_.clock);
  auto job = [this, now] { files_->reopen(now); };
  co_await run_blocking(world_.blocking, job);
  pass_notes_on();
}

Task<WriteOutcome> FileExporter::tend() {
  const Moment now = now_of(world_.clock);
  auto job = [this, now] { return files_->tend(now); };
  WriteOutcome outcome = co_await run_blocking(world_.blocking, job);
  pass_notes_on();
  co_return outcome;
}

bool FileExporter::unfinished() const {
  return files_->unfinished();
}

Task<void> FileExporter::close() {
  auto job = [this] { files_->close(); };
  co_await run_blocking(world_.blocking, job);
}

}  // namespace auditferry
