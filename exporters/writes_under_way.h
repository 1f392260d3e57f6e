#pragma once

#include <cstddef>
#include <utility>

#include "core/bell.h"
#include "core/task.h"

namespace auditferry {

// Lets close() of an exporter wait for the writes that have begun. Loop thread only.
class WritesUnderWay {
 public:
  explicit WritesUnderWay(Executor loop) : ended_(std::move(loop)) {}

  // Lives as long as the write.
  class One {
   public:
    explicit One(WritesUnderWay& all) : all_(all) { ++all_.count_; }
    ~One() {
      --all_.count_;
      all_.ended_.ring();
    }
    One(const One&) = delete;
    One& operator=(const One&) = delete;

   private:
    WritesUnderWay& all_;
  };

  // Until there is none. The deadlines are those of the writes. Cancellable.
  Task<void> end() {
    closing_ = true;
    while (count_ > 0) co_await ended_.wait();
  }
  void hurry() { closing_ = true; }
  // Whether hurry() or end() was called: a write that consists of several steps takes no further one.
  bool closing() const { return closing_; }

 private:
  Bell ended_;
  std::size_t count_ = 0;
  bool closing_ = false;
};

}  // namespace auditferry
