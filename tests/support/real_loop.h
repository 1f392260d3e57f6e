#pragma once
// A loop in real time, for tests of sockets.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <utility>

#include "core/task.h"
#include "net/system_clock.h"

namespace auditferry {

class RealLoop {
 public:
  Executor executor() { return context_.get_executor(); }
  SystemClock& clock() { return clock_; }

  // Until the task has ended; throws what it threw, or std::runtime_error after ten seconds.
  void run(Task<void> task) {
    bool ended = false;
    std::exception_ptr failure;
    boost::asio::co_spawn(context_, std::move(task), [&](std::exception_ptr exception) {
      ended = true;
      failure = exception;
      context_.stop();
    });
    context_.restart();
    context_.run_for(std::chrono::seconds(10));
    if (!ended) throw std::runtime_error("RealLoop: the task did not end");
    if (failure) std::rethrow_exception(failure);
  }
  // What is ready, for at most this long.
  void run_for(std::chrono::milliseconds time) {
    context_.restart();
    context_.run_for(time);
  }

 private:
  boost::asio::io_context context_{1};
  SystemClock clock_;
};

}  // namespace auditferry
