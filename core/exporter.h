#pragma once
// The port of a sink. An exporter tries once and returns a verdict; selecting, redacting, formatting,
// batching, retry, pause, halving and dead letters are written once, in daemon/deliverer.

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
  delivered,  // the far end confirmed it, or gave the strongest sign that its protocol has
  retry,      // nothing is wrong with the records: wait (retry_after in full, if given), the same again
  pause,      // an operator must act: probe slowly, resume by itself
  poison,     // refused for good by a far end that has said so of just these records
  refused,    // the batch is refused (400, 413) without a record being named: halve it, down to one
};

// A record that fared otherwise than the batch as a whole.
struct RecordOutcome {
  std::size_t index = 0;  // into the batch
  Verdict verdict = Verdict::delivered;
  std::string reason;  // unless delivered: the far end's words
};

// What an exporter wants kept with its position, in the same transaction: key to value; an empty value
// removes the key. The file exporter keeps the confirmed length of each file here.
using ExporterState = std::map<std::string, std::string>;

struct WriteOutcome {
  Verdict verdict = Verdict::delivered;  // of all records that `records` does not name
  std::string reason = {};  // for every verdict but delivered: the far end's words and what to do next
  std::optional<Duration> retry_after = std::nullopt;
  std::vector<RecordOutcome> records = {};  // the exceptions, ascending
  // Changes of ExporterState to commit with the position; only when something was delivered.
  ExporterState state = {};
};

// How many writes an exporter can have under way.
struct WriteLimits {
  std::uint32_t concurrent = 1;   // that have not said sent() yet
  std::uint32_t unconfirmed = 0;  // that have said it and wait for the far end's confirmation
};

// One write's way of saying that its bytes are out.
class WriteProgress {
 public:
  virtual ~WriteProgress() = default;
  // The records and bytes of this write are not used any more; what is left is waiting for a confirmation.
  // The next write may begin. Called at most once, and only by exporters that allow unconfirmed writes.
  virtual void sent() = 0;
};

// Loop thread only; blocking work goes to the executor its constructor was given.
// With the default limits() calls never overlap: each has returned before the next is made. Otherwise
// write() may be called again while others are under way, within limits(), and tend() and reopen() at any
// moment; writes begin in the order of the records.
class Exporter {
 public:
  virtual ~Exporter() = default;
  virtual WriteLimits limits() const { return {}; }
  // Called once, before the first write, with the state that was committed with the position. A failure
  // is told to the operator and tried again, like a pause.
  virtual Task<Status> open(const ExporterState& state) = 0;
  // `records` and their bytes stay valid until it returns or says progress.sent(), `progress` until it
  // returns. Never empty. Has a deadline for everything; cancellable.
  virtual Task<WriteOutcome> write(const std::vector<OutgoingRecord>& records, WriteProgress& progress) = 0;
  // `check --online`: can we reach the far end and may we write there? Changes nothing there.
  virtual Task<Status> greet() = 0;
  // What a greet() without error has shown, in words that follow the exporter's name.
  virtual std::string_view greeting_shows() const { return "can be reached and written to"; }
  // SIGHUP: close and reopen whatever others may have moved away, read certificates again.
  virtual Task<void> reopen() = 0;
  // Work outside of deliveries, such as closing files by age and compressing closed ones. Called about
  // every second when idle and between writes. State changes are committed like those of write().
  virtual Task<WriteOutcome> tend() = 0;
  // Whether something waits for tend() that it does in steps. Asked between calls.
  virtual bool unfinished() const { return false; }
  // The program ends soon: a write that consists of several requests begins no further one and says what it has
  // achieved; a wait for a confirmation is cut short where asking more often helps. At any moment, also while
  // writes are under way; close() follows.
  virtual void hurry() {}
  // Orderly end: no write is begun after it. Writes that wait for a confirmation are brought to their end:
  // each of them has returned, or will as soon as the loop turns, when this returns.
  virtual Task<void> close() = 0;
};

// Makes the bytes of one record. Stateless, deterministic: the same record gives the same bytes after a
// restart, because the file exporter compares them with what is on the disk. Thread-safe.
class Format {
 public:
  virtual ~Format() = default;
  // Appends to `out`, without line end and without any byte that could be taken for one.
  virtual void append(const Record& record, std::string& out) const = 0;
};

}  // namespace auditferry
