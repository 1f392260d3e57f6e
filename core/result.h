#pragma once
// The outcome of an operation that can fail in normal running: a value or an Error. Exceptions are kept
// for start-up, for cancellation of a coroutine (boost::system::system_error with operation_aborted,
// which unwinds it) and for broken libraries, which their wrapper catches.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/check.h"

namespace auditferry {

enum class ErrorKind {
  invalid,      // the input, configuration or request is wrong and stays wrong
  not_found,    // the thing asked for does not exist
  permission,   // the operating system or the far end says no to us
  io,           // reading or writing failed
  no_space,     // the disk (or quota) is full
  corrupt,      // stored data do not have the shape or hash they should have
  busy,         // held by somebody else (lock, other daemon)
  resolve,      // DNS
  connect,      // TCP could not be established, or broke
  tls,          // handshake or verification
  proxy,        // the proxy refused, or could not be reached
  timeout,      // a deadline passed
  protocol,     // the far end does not speak what we expect
  too_large,    // a limit on size was exceeded
  unavailable,  // the far end says try again later
  unsupported,
};

// The name used in logs and metrics, for example "no_space".
const char* to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::invalid;
  // One sentence for an operator: what failed, for whom, and what to do next. Never holds a secret.
  std::string message;
  // How long the far end asked us to wait, where it did.
  std::optional<std::chrono::microseconds> retry_after = std::nullopt;
};

// Puts "context: " before the message, keeping kind and retry_after.
Error with_context(std::string context, Error error);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Aborts when there is no value; ask ok() first.
  T& value() & {
    AUDITFERRY_CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    AUDITFERRY_CHECK(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    AUDITFERRY_CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    AUDITFERRY_CHECK(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    AUDITFERRY_CHECK(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    AUDITFERRY_CHECK(!ok());
    return *error_;
  }
  Error&& error() && {
    AUDITFERRY_CHECK(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace auditferry
