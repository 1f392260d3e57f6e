#include "core/bell.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "core/task_group.h"

namespace auditferry {

// A timer that never expires; ringing cancels its waits.
struct Bell::State {
  explicit State(Executor executor) : timer(std::move(executor)) { timer.expires_at(boost::asio::steady_timer::time_point::max()); }
  boost::asio::steady_timer timer;
};

Bell::Bell(Executor executor) : state_(std::make_unique<State>(std::move(executor))) {}
Bell::~Bell() = default;

void Bell::ring() { state_->timer.cancel(); }

Task<void> Bell::wait() {
  boost::system::error_code woken;
  co_await state_->timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  // A ring and a cancellation look alike to the timer; the coroutine knows which it was.
  const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
    throw boost::system::system_error(boost::asio::error::operation_aborted);
  }
}

Task<void> ring_or_time(Bell& bell, Clock& clock, Duration limit) {
  Task<void> ring = bell.wait();
  Task<void> time = clock.sleep(limit);
  co_await first_to_end(std::move(ring), std::move(time));
}

}  // namespace auditferry
