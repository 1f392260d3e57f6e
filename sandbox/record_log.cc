#include "sandbox/record_log.h"

#include <algorithm>
#include <utility>

namespace auditferry {
namespace {

auto time_key(const SandboxRecord& record) {
  return std::make_pair(record.created, record.event);
}

}  // namespace

bool RecordLog::Later::operator()(const std::shared_ptr<Expected>& a,
                                  const std::shared_ptr<Expected>& b) const {
  return std::make_pair(a->record.visible_from, a->order) > std::make_pair(b->record.visible_from, b->order);
}

void RecordLog::expect(SandboxRecord record, Finish finish) {
  auto expected = std::make_shared<Expected>();
  expected->record = std::move(record);
  expected->finish = std::move(finish);
  expected->order = next_order_++;
  expected_.push(std::move(expected));
}

void RecordLog::advance(WallTime now) {
  while (!expected_.empty() && expected_.top()->record.visible_from <= now) {
    const std::shared_ptr<Expected> due = expected_.top();
    expected_.pop();
    if (due->record.event == 0) due->record.event = next_event_;
    next_event_ = std::max(next_event_, due->record.event + 1);
    if (due->finish) due->finish(due->record);
    appear(std::move(due->record));
  }
}

void RecordLog::appear(SandboxRecord record) {
  const auto number = static_cast<std::uint32_t>(records_.size());
  by_id_[record.id] = number;
  records_.push_back(std::move(record));
  const SandboxRecord& added = records_.back();
  by_time_.insert(std::upper_bound(by_time_.begin(), by_time_.end(), added,
                                   [this](const SandboxRecord& value, std::uint32_t index) {
                                     return time_key(value) < time_key(records_[index]);
                                   }),
                  number);
  by_event_.insert(std::upper_bound(by_event_.begin(), by_event_.end(), added,
                                    [this](const SandboxRecord& value, std::uint32_t index) {
                                      return value.event < records_[index].event;
                                    }),
                   number);
}

bool RecordLog::less(bool by_event, const SandboxRecord& record, const RecordPosition& position) const {
  if (by_event) return record.event < position.event;
  return time_key(record) < std::make_pair(position.created, position.event);
}

// Calls visit_record for each record that is selected, in order, until it returns false.
template <class Visit>
void RecordLog::visit(const RecordSelection& selection, std::optional<WallTime> oldest,
                      Visit visit_record) const {
  const Index& index = selection.by_event ? by_event_ : by_time_;
  std::optional<WallTime> from = selection.from;
  if (oldest && (!from || *oldest > *from)) from = oldest;
  auto begin = index.begin();
  auto end = index.end();
  if (!selection.by_event && from) {
    begin = std::partition_point(begin, end, [&](std::uint32_t i) { return records_[i].created < *from; });
  }
  if (!selection.by_event && selection.to) {
    end = std::partition_point(begin, end,
                               [&](std::uint32_t i) { return records_[i].created <= *selection.to; });
  }
  if (selection.beyond && selection.newest_first) {
    end = std::partition_point(begin, end, [&](std::uint32_t i) {
      return less(selection.by_event, records_[i], *selection.beyond);
    });
  } else if (selection.beyond) {
    begin = std::partition_point(begin, end, [&](std::uint32_t i) {
      const SandboxRecord& record = records_[i];
      if (selection.by_event) return record.event <= selection.beyond->event;
      return time_key(record) <= std::make_pair(selection.beyond->created, selection.beyond->event);
    });
  }
  std::uint64_t to_skip = selection.skip;
  while (begin != end) {
    const SandboxRecord& record = records_[selection.newest_first ? *--end : *begin++];
    if (record.erased) continue;
    if (from && record.created < *from) continue;
    if (selection.to && record.created > *selection.to) continue;
    if (selection.matches && !selection.matches(record)) continue;
    if (to_skip > 0) {
      --to_skip;
      continue;
    }
    if (!visit_record(record)) return;
  }
}

SelectedRecords RecordLog::select(const RecordSelection& selection, std::optional<WallTime> oldest) const {
  SelectedRecords selected;
  visit(selection, oldest, [&](const SandboxRecord& record) {
    if (selected.records.size() == selection.limit) {
      selected.more = true;
      return false;
    }
    selected.records.push_back(&record);
    return true;
  });
  return selected;
}

std::uint64_t RecordLog::count(const RecordSelection& selection, std::optional<WallTime> oldest) const {
  std::uint64_t found = 0;
  visit(selection, oldest, [&found](const SandboxRecord&) {
    ++found;
    return true;
  });
  return found;
}

SandboxRecord* RecordLog::find(std::string_view id) {
  const auto found = by_id_.find(std::string(id));
  return found == by_id_.end() ? nullptr : &records_[found->second];
}

}  // namespace auditferry
