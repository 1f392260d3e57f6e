#include "net/system_clock.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace auditferry {

WallTime SystemClock::now() {
  return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady_now() {
  return std::chrono::floor<Duration>(std::chrono::steady_clock::now());
}

Task<void> SystemClock::sleep(Duration duration) {
  if (duration.count() <= 0) co_return;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  // More than a hundred years would overflow the timer's clock.
  timer.expires_after(std::min<Duration>(duration, std::chrono::hours(24 * 36'500)));
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace auditferry
