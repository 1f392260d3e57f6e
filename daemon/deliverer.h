#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/settings.h"
#include "core/clock.h"
#include "core/exporter.h"
#include "core/log.h"
#include "core/random.h"
#include "core/task_group.h"
#include "core/bell.h"
#include "daemon/dead_letter_rate.h"
#include "daemon/delivery_health.h"
#include "daemon/delivery_window.h"
#include "daemon/record_shape.h"
#include "daemon/storage_queue.h"

namespace auditferry {

// What every deliverer needs of its surroundings; all of it outlives the deliverer.
struct DelivererWorld {
  Clock& clock;
  Log& log;
  StorageQueue& storage;
  Random& random;
  Bell& published;  // rung whenever new sequence numbers exist
};

// Brings the journal's records to one exporter at the exporter's own pace, with as many writes under way as
// its limits() allow, and deals with the verdicts; docs/delivery.md tells the rules. Loop thread only.
//
// Memory: one batch per write that has not said sent(), and one that was read ahead. Tasks: one per slot of
// the window, one that moves the position, one for tend() and reopen(); they end before run() does.
class Deliverer {
 public:
  Deliverer(DelivererWorld world, const ExporterSettings& settings, Exporter& exporter, RecordShape& shape,
            ExporterRow row);
  ~Deliverer();

  // Delivers until it is cancelled, or until drain() was called and nothing waits any more. Called once.
  Task<void> run();
  // From now on: deliver what is in the journal without waiting for more, close the exporter, end. `with_care`: not
  // before everything is done that the exporter's tend() does in steps.
  void drain(bool with_care = false);
  // The last moments: nothing new is written, what is under way is brought to its end, what is confirmed is
  // settled, also the first records of a batch; then run() ends. A write that does not return holds it up.
  void wind_up();
  // SIGHUP: the exporter reopens its files before the next write.
  void reopen();

  std::uint64_t position() const { return row_.books.position; }
  bool caught_up(std::uint64_t last_seq) const { return row_.books.position >= last_seq; }
  // Batches that are in memory now, with the one that was read ahead.
  std::size_t batches_in_memory() const { return window_.loaded() + (next_ ? 1 : 0); }
  const DelivererStatus& status() const { return health_.status(); }
  std::int64_t exporter_id() const { return row_.exporter_id; }

 private:
  struct Works;  // what exists while run() does: the bell and the tasks
  class Judging;
  // Records of a slot that are dead letters by now, and why each of them.
  struct Condemned {
    SlotPart part;
    std::vector<std::string> reasons;
    bool group = false;
  };

  // deliverer.cc: reading, opening slots, ending.
  Task<void> open_exporter();
  Task<void> deliver();
  Task<Status> read_next();
  bool is_small(const RecordBatch& batch) const;
  bool wait_is_over() const;
  Task<void> finish();
  Task<void> settle_beginnings();
  Task<void> start_over();
  Task<Result<bool>> record_missing(const std::vector<std::uint64_t>& missing);
  Task<void> settle_confirmed();
  Task<Result<bool>> commit(PositionUpdate update);
  Task<void> refresh();
  Task<void> watch_publications();
  Task<void> care();
  // False: something failed, and is shown.
  Task<bool> tend();
  Task<void> keep_state(ExporterState state);
  Task<void> remember_error();
  bool in_trouble() const { return health_.in_trouble() || rate_holds_ > 0; }
  void ring();
  Task<void> changed();
  Task<void> changed_within(Duration limit);

  // deliverer_writes.cc: the writes of one slot.
  Task<void> carry(DeliverySlot& slot);
  Task<void> wait_for_turn(DeliverySlot& slot);
  Task<bool> load(DeliverySlot& slot);
  Task<void> write(DeliverySlot& slot, SlotPart part);
  Condemned take_in(DeliverySlot& slot, const SlotPart& part, const WriteOutcome& outcome, std::uint64_t round);
  Task<bool> load_again(DeliverySlot& slot);
  Task<void> make_letters(DeliverySlot& slot, Condemned condemned);
  void add_letters(DeliverySlot& slot, Condemned condemned);
  Task<void> wait_for_letter_rate(DeliverySlot& slot, std::uint64_t letters, const std::string& reason);
  void show_held(const DeliverySlot& slot);

  DelivererWorld world_;
  const ExporterSettings& settings_;
  Exporter& exporter_;
  RecordShape& shape_;  // used by this deliverer alone while it runs
  ExporterRow row_;
  DeliveryHealth health_;
  DeliveryWindow window_;
  DeadLetterRate letter_rate_;
  std::unique_ptr<Works> works_;
  std::unique_ptr<PreparedBatch> next_;  // read ahead, from the window's end on
  std::uint64_t accepted_ = 0;           // how often the far end has taken something
  int suspects_in_a_row_ = 0;            // single records refused since it last did
  SteadyTime next_beyond_held_{};        // when one more slot may be opened beyond those that are held
  int rate_holds_ = 0;                   // slots that wait for dead_letters.max_rate
  // Until then a small batch is left in the journal: batch.wait after the first publication of what it holds.
  std::optional<SteadyTime> gathers_until_;
  bool more_published_ = true;
  bool loading_ = false;  // a slot whose turn it is reads its records again
  bool judging_ = false;  // a slot whose batch was gone has read it again to tell its records apart
  bool caring_ = false;   // tend() or reopen() is under way, or waits for writes to end
  bool committing_ = false;
  bool closing_ = false;
  bool start_over_ = false;  // somebody else moved the position
  bool draining_ = false;
  bool with_care_ = false;
  bool winding_up_ = false;
  bool reopen_ = false;
};

}  // namespace auditferry
