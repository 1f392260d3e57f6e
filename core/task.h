#pragma once
// A coroutine of the loop thread. A task is a named function; its reference parameters outlive it.
// Cancelling a task unwinds it with boost::system::system_error(operation_aborted) out of its next
// co_await; nothing but the task group that owns it catches that.

#include <boost/asio/awaitable.hpp>

namespace auditferry {

template <class T>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

}  // namespace auditferry
