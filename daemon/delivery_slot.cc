#include "daemon/delivery_slot.h"

#include <algorithm>

#include "core/check.h"

namespace auditferry {

DeliverySlot::DeliverySlot(std::uint64_t from, std::unique_ptr<PreparedBatch> batch, Bell& changed)
    : from_(from), to_(batch->batch.last_seq), changed_(changed), batch_(std::move(batch)) {
  if (!batch_->batch.records.empty()) received_ = batch_->batch.records.front().received;
  missing_ = batch_->batch.missing;
  released_ = missing_.size();
  not_selected_ = batch_->not_selected;
  if (batch_->outgoing.empty()) {
    unload();
    stage_ = Stage::settled;
  } else {
    parts_.push_back({{{from_ + 1, to_}}, batch_->outgoing.size()});
    selected_ = batch_->outgoing.size();
    last_selected_ = batch_->outgoing.back().record->seq;
  }
}

void DeliverySlot::set_stage(Stage stage) {
  if (stage_ == stage) return;
  stage_ = stage;
  changed_.ring();
}

bool DeliverySlot::has_part(std::uint64_t accepted) const {
  const auto can_be_judged = [accepted](const SlotPart& suspect) {
    return *suspect.refused_since < accepted;
  };
  return !parts_.empty() || std::any_of(suspects_.begin(), suspects_.end(), can_be_judged);
}

SlotPart DeliverySlot::take_part(std::uint64_t accepted) {
  for (auto suspect = suspects_.begin(); suspect != suspects_.end(); ++suspect) {
    if (*suspect->refused_since >= accepted) continue;
    SlotPart part = std::move(*suspect);
    suspects_.erase(suspect);
    return part;
  }
  std::deque<SlotPart>& from = parts_.empty() ? suspects_ : parts_;
  AUDITFERRY_CHECK(!from.empty());
  SlotPart part = std::move(from.front());
  from.pop_front();
  return part;
}

void DeliverySlot::choose(SlotPart& part) {
  chosen_.clear();
  for (const OutgoingRecord& outgoing : batch_->outgoing) {
    const std::uint64_t seq = outgoing.record->seq;
    const auto holds = [seq](const SeqRange& range) { return range.first <= seq && seq <= range.last; };
    if (std::any_of(part.ranges.begin(), part.ranges.end(), holds)) chosen_.push_back(outgoing);
  }
  AUDITFERRY_CHECK(chosen_.size() <= part.count);
  released_ += part.count - chosen_.size();
  part.count = chosen_.size();
}

void DeliverySlot::sent() {
  if (stage_ != Stage::writing) return;
  unload();
  set_stage(Stage::sent);
}

void DeliverySlot::unload() {
  chosen_ = {};
  batch_.reset();
}

std::vector<SeqRange> DeliverySlot::ranges_of(const SlotPart& part, const std::vector<std::size_t>& indices) const {
  std::vector<SeqRange> ranges;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::uint64_t seq = chosen_[indices[i]].record->seq;
    // Neighbours in the batch and in one range of the part: what lies between them is not selected. Between two
    // ranges lies what was settled or set aside before.
    const auto holds_both = [&](const SeqRange& range) { return range.first <= ranges.back().last && seq <= range.last; };
    if (i > 0 && indices[i] == indices[i - 1] + 1 && std::any_of(part.ranges.begin(), part.ranges.end(), holds_both)) {
      ranges.back().last = seq;
    } else {
      ranges.push_back({seq, seq});
    }
  }
  return ranges;
}

std::vector<RecordOutcome> DeliverySlot::take_in(const SlotPart& part, const Judgement& judgement,
                                                 std::uint64_t accepted_before, std::uint64_t accepted) {
  delivered_ += judgement.delivered;
  std::vector<RecordOutcome> condemned;
  if (judgement.delivered == part.count) return condemned;
  if (judgement.again.size() == part.count) {
    put_back(part);
    return condemned;
  }
  const std::uint64_t since = part.refused_since.value_or(accepted_before);
  std::vector<SlotPart> left;
  if (!judgement.again.empty())
    left.push_back({ranges_of(part, judgement.again), judgement.again.size(), part.refused_since, part.reason});
  if (judgement.group) {
    for (const std::size_t index : judgement.unnamed)
      condemned.push_back({index, Verdict::poison, judgement.reason});
  } else if (!judgement.unnamed.empty()) {
    const auto [first, second] = halve(judgement.unnamed);
    left.push_back({ranges_of(part, first), first.size(), since, judgement.reason});
    left.push_back({ranges_of(part, second), second.size(), since, judgement.reason});
  }
  for (const RecordOutcome& one : judgement.refused) {
    if (accepted > since) {
      condemned.push_back(one);
    } else {
      suspects_.push_back({ranges_of(part, {one.index}), 1, since, one.reason});
    }
  }
  std::sort(left.begin(), left.end(),
            [](const SlotPart& a, const SlotPart& b) { return a.ranges[0].first > b.ranges[0].first; });
  for (SlotPart& one : left) put_back(std::move(one));
  return condemned;
}

void DeliverySlot::keep_state(const ExporterState& changes) {
  for (const auto& [key, value] : changes) state_[key] = value;
}

bool DeliverySlot::cut() {
  if (parts_.size() != 1 || !suspects_.empty() || parts_[0].ranges.size() != 1) return false;
  const SeqRange left = parts_[0].ranges[0];
  if (left.first <= from_ + 1 || left.last < last_selected_ || released_ != missing_.size() ||
      delivered_ + letters_.size() + parts_[0].count != selected_)
    return false;
  to_ = left.first - 1;
  std::erase_if(missing_, [this](std::uint64_t seq) { return seq > to_; });
  released_ = missing_.size();
  not_selected_ = to_ - from_ - delivered_ - letters_.size() - released_;
  parts_.clear();
  unload();
  set_stage(Stage::settled);
  return true;
}

void DeliverySlot::add_to(PositionUpdate& update) {
  AUDITFERRY_CHECK(stage_ == Stage::settled && update.to == from_);
  update.to = to_;
  update.delivered += delivered_;
  update.not_selected += not_selected_;
  update.released += released_;
  for (DeadLetter& letter : letters_) update.dead.push_back(letter);
  for (const auto& [key, value] : state_) update.state[key] = value;
}

}  // namespace auditferry
