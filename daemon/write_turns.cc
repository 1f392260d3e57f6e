#include "daemon/write_turns.h"

#include <algorithm>

namespace auditferry {

Task<void> WriteTurns::Turn::begin() {
  if (turns_ == nullptr) co_return;
  turns_->waiting_.push_back(this);
  waits_ = true;
  while (turns_->waiting_.front() != this || turns_->writing_ >= turns_->concurrent_) co_await turns_->changed_.wait();
  turns_->waiting_.pop_front();
  waits_ = false;
  has_it_ = true;
  ++turns_->writing_;
  turns_->changed_.ring();  // there may be room for the next one
}

void WriteTurns::Turn::give_back() {
  if (waits_) std::erase(turns_->waiting_, this);
  if (has_it_) --turns_->writing_;
  if (waits_ || has_it_) turns_->changed_.ring();
  waits_ = has_it_ = false;
}

}  // namespace auditferry
