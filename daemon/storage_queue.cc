#include "daemon/storage_queue.h"

namespace auditferry {

Task<Result<bool>> StorageQueue::advance(PositionUpdate update) {
  auto mine = std::make_shared<Waiting>();
  mine->update = std::move(update);
  waiting_.push_back(mine);
  while (!mine->result) {
    if (committing_) {
      co_await turn_.wait();
    } else {
      co_await commit_all();
    }
  }
  co_return std::move(*mine->result);
}

Task<void> StorageQueue::commit_all() {
  committing_ = true;
  const std::vector<std::shared_ptr<Waiting>> batch = std::exchange(waiting_, {});
  std::vector<PositionUpdate> updates;
  for (const auto& waiting : batch) updates.push_back(waiting->update);
  const WallTime now = clock_.now();
  auto job = [&updates, now](Journal& journal) { return journal.advance(updates, now); };
  const Result<std::vector<bool>> done = co_await run(job);
  committing_ = false;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (done.ok()) {
      batch[i]->result = bool((*done)[i]);
    } else {
      batch[i]->result = done.error();
    }
  }
  turn_.ring();
}

}  // namespace auditferry
