#pragma once
// The port of a sink. An exporter tries once and returns a verdict; selecting, redacting, formatting,
// batching, retry, pause and dead letters are written once, in daemon/deliverer.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.h"
#include "core/result.h"
#include "core/task.h"

namespace auditferry {

// A record and the bytes that the configured format made of it (without line end).
struct OutgoingRecord {
  const Record* record = nullptr;
  std::string_view bytes;
};

enum class Verdict {
  delivered,  // the far end confirmed all of it
  retry,      // nothing is wrong with the records: wait (retry_after in full, if given), the same again
  pause,      // an operator must act: probe slowly, resume by itself
  poison,     // the records in `poison` are refused for good; see delivered_before
};

// What an exporter wants kept with its position, in the same transaction: key to value; an empty value
// removes the key. The file exporter keeps the confirmed length of each file here.
using ExporterState = std::map<std::string, std::string>;

struct WriteOutcome {
  Verdict verdict = Verdict::delivered;
  std::string reason;  // for retry, pause and poison: the far end's words and what to do next
  std::optional<Duration> retry_after = std::nullopt;
  // verdict poison: indexes into the batch that are refused for good; the others were delivered.
  std::vector<std::size_t> poison = {};
  // Changes of ExporterState to commit with the position (verdicts delivered and poison).
  ExporterState state = {};
};

// Loop thread only; blocking work goes to the executor its constructor was given. write() is not called
// again before it has returned, and records and bytes stay valid until then.
class Exporter {
 public:
  virtual ~Exporter() = default;
  // Called once, before the first write, with the state that was committed with the position. A failure
  // is told to the operator and tried again, like a pause.
  virtual Task<Status> open(const ExporterState& state) = 0;
  virtual Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records) = 0;
  // `check --online`: can we reach the far end and may we write there? Changes nothing there.
  virtual Task<Status> greet() = 0;
  // SIGHUP: close and reopen whatever others may have moved away.
  virtual Task<void> reopen() = 0;
  // Work outside of deliveries, such as closing files by age and compressing closed ones. Called about
  // every second when idle and between writes. State changes are committed like those of write().
  virtual Task<WriteOutcome> tend() = 0;
  // Orderly end: nothing is written after it.
  virtual Task<void> close() = 0;
};

// Makes the bytes of one record. Stateless, deterministic: the same record gives the same bytes after a
// restart, because the file exporter compares them with what is on the disk.
class Format {
 public:
  virtual ~Format() = default;
  // Appends to `out`, without line end and without any byte that could be taken for one.
  virtual void append(const Record& record, std::string& out) const = 0;
};

}  // namespace auditferry
