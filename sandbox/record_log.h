#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/time.h"

namespace auditferry {

struct SandboxRecord {
  std::int64_t event = 0;  // unique within the stream; given in the order of appearance
  std::string id;          // as the vendor's id field shows it, without quotes
  WallTime created{};
  WallTime visible_from{};
  std::shared_ptr<const std::string> json;
  std::uint32_t changes = 0;
  bool erased = false;
};

// Where a page ended, in either order.
struct RecordPosition {
  WallTime created{};
  std::int64_t event = 0;
};

struct RecordSelection {
  bool by_event = false;  // else by (created, event)
  bool newest_first = true;
  std::optional<WallTime> from;          // inclusive
  std::optional<WallTime> to;            // inclusive
  std::optional<RecordPosition> beyond;  // strictly after it in the direction of reading
  std::uint64_t skip = 0;
  std::size_t limit = 100;
  std::function<bool(const SandboxRecord&)> matches;  // empty: all
};

struct SelectedRecords {
  std::vector<const SandboxRecord*> records;
  bool more = false;  // something follows at this moment
};

// The records of one stream, those that are still to appear included. Not thread-safe; pointers into it
// hold until the next call that changes it.
class RecordLog {
 public:
  // `event` 0 means: give it the next number when it appears; `id` and `json` then come from `finish`,
  // which is called at that moment. Appears in the next advance() at or after visible_from.
  using Finish = std::function<void(SandboxRecord&)>;
  void expect(SandboxRecord record, Finish finish);
  // Lets appear what is due.
  void advance(WallTime now);

  // Records older than `oldest` count as forgotten.
  SelectedRecords select(const RecordSelection& selection, std::optional<WallTime> oldest) const;
  std::uint64_t count(const RecordSelection& selection, std::optional<WallTime> oldest) const;

  SandboxRecord* find(std::string_view id);
  // Everything that has ever appeared, in the order of appearance.
  const std::vector<SandboxRecord>& all() const { return records_; }
  void set_next_event(std::int64_t event) { next_event_ = event; }
  std::int64_t next_event() const { return next_event_; }

 private:
  struct Expected {
    SandboxRecord record;
    Finish finish;
    std::uint64_t order = 0;
  };
  struct Later {
    bool operator()(const std::shared_ptr<Expected>& a, const std::shared_ptr<Expected>& b) const;
  };
  using Index = std::vector<std::uint32_t>;

  void appear(SandboxRecord record);
  template <class Visit>
  void visit(const RecordSelection& selection, std::optional<WallTime> oldest, Visit visit_record) const;
  bool less(bool by_event, const SandboxRecord& record, const RecordPosition& position) const;

  std::vector<SandboxRecord> records_;
  Index by_time_;
  Index by_event_;
  std::unordered_map<std::string, std::uint32_t> by_id_;
  std::priority_queue<std::shared_ptr<Expected>, std::vector<std::shared_ptr<Expected>>, Later> expected_;
  std::uint64_t next_order_ = 0;
  std::int64_t next_event_ = 1;
};

}  // namespace auditferry
