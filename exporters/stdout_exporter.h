#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "exporters/catalog.h"

namespace auditferry {

// Type "stdout": lines to a descriptor that is open already. Delivered means that the system has taken the
// bytes: what a pipe's reader makes of them cannot be seen from here, so this is at least once and a line
// that is in the pipe when the reader dies is gone. A batch that was taken in part is continued where it
// stopped, so lines are never torn while the process lives. Keeps no state.
class StdoutExporter final : public Exporter {
 public:
  // As write(2).
  using WriteCall = std::function<ssize_t(int descriptor, const void* bytes, std::size_t count)>;
  // `descriptor` is not closed.
  StdoutExporter(int descriptor, ExporterWorld world, WriteCall write_call = ::write)
      : descriptor_(descriptor), world_(std::move(world)), write_call_(std::move(write_call)) {}

  Task<Status> open(const ExporterState& state) override;
  Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) override;
  Task<Status> greet() override;
  Task<void> reopen() override;
  Task<WriteOutcome> tend() override;
  Task<void> close() override;

 private:
  enum class Progress { done, stalled, failed };
  Progress write_some();

  int descriptor_;
  ExporterWorld world_;
  WriteCall write_call_;
  // What the descriptor has still to take, from `sent_` on, and the batch that it belongs to.
  std::string pending_;
  std::size_t sent_ = 0;
  std::pair<std::uint64_t, std::uint64_t> batch_{0, 0};  // first and last seq
  Error failure_;
};

}  // namespace auditferry
