#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "core/bell.h"
#include "core/exporter.h"

namespace auditferry {

// Where a job has several writes under way: they begin one after the other, in the order in which they asked, and no
// more than WriteLimits::concurrent that have not said sent(). How many there are in all is the job's business. Loop
// thread only; outlives its turns.
class WriteTurns {
 public:
  WriteTurns(Executor executor, WriteLimits limits) : concurrent_(limits.concurrent), changed_(executor) {}
  WriteTurns(const WriteTurns&) = delete;
  WriteTurns& operator=(const WriteTurns&) = delete;

  // One write, from begin() on until it says sent(), or to the end of this object. `turns` may be null: then there is
  // nobody to wait for.
  class Turn final : public WriteProgress {
   public:
    explicit Turn(WriteTurns* turns) : turns_(turns) {}
    ~Turn() override { give_back(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    Task<void> begin();
    void sent() override { give_back(); }

   private:
    void give_back();
    WriteTurns* turns_;
    bool waits_ = false;
    bool has_it_ = false;
  };

 private:
  std::uint32_t concurrent_;
  std::uint32_t writing_ = 0;
  std::deque<const Turn*> waiting_;
  Bell changed_;
};

}  // namespace auditferry
