#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/run_blocking.h"
#include "core/bell.h"
#include "storage/journal.h"

namespace auditferry {

// How long whoever met a failure of the journal waits before trying again.
inline constexpr Duration storage_retry = std::chrono::seconds(2);

// The journal as coroutines use it: jobs run on the storage thread, one after the other. Loop thread
// only; the journal and the executor outlive it.
class StorageQueue {
 public:
  StorageQueue(Journal& journal, BlockingExecutor& executor, Clock& clock, Executor loop)
      : journal_(journal), executor_(executor), clock_(clock), turn_(std::move(loop)) {}

  // co_await storage.run([&](Journal& journal) { return journal.publish(…); }). The job is bounded (target
  // 50 ms) and what it refers to stays alive, also when the caller is cancelled: the caller goes on only
  // after it.
  template <class Job>
  Task<std::invoke_result_t<Job, Journal&>> run(Job job) {
    auto bound = [this, &job] { return job(journal_); };
    co_return co_await run_blocking(executor_, std::move(bound));
  }

  // Position updates that wait at the same moment share one commit. False: see Journal::advance.
  Task<Result<bool>> advance(PositionUpdate update);

 private:
  struct Waiting {
    PositionUpdate update;
    std::optional<Result<bool>> result;
  };
  Task<void> commit_all();

  Journal& journal_;
  BlockingExecutor& executor_;
  Clock& clock_;
  Bell turn_;
  std::vector<std::shared_ptr<Waiting>> waiting_;
  bool committing_ = false;
};

}  // namespace auditferry
