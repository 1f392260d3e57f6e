#include "net/thread_executor.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace auditferry {

struct ThreadExecutor::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  bool ending = false;
  std::vector<std::thread> threads;

  void run() noexcept {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ending || !jobs.empty(); });
      if (jobs.empty()) return;
      std::function<void()> job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job();
      // What the job owns dies outside of the lock.
      job = nullptr;
      lock.lock();
    }
  }
};

ThreadExecutor::ThreadExecutor(unsigned threads) : state_(std::make_unique<State>()) {
  for (unsigned i = 0; i < threads; ++i)
    state_->threads.emplace_back([state = state_.get()] { state->run(); });
}

ThreadExecutor::~ThreadExecutor() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->ending = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void ThreadExecutor::post(std::function<void()> job) {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->jobs.push_back(std::move(job));
  }
  state_->changed.notify_one();
}

}  // namespace auditferry
