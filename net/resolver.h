#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "core/task.h"

namespace auditferry {

// Turns names into addresses. Loop thread only.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // Numeric addresses in the order in which they should be tried, at least one. An address resolves to
  // itself, "localhost" to the loopback addresses. Errors are ErrorKind::resolve, after at most `limit`. Cancellable.
  virtual Task<Result<std::vector<std::string>>> resolve(std::string host, Duration limit) = 0;
};

// What a look-up came to: addresses, or the words for why there are none.
using LookUp = std::function<Result<std::vector<std::string>>(const std::string& host)>;

// getaddrinfo, which blocks for as long as it likes, on threads. Look-ups of one name that are wanted at
// the same moment share one thread, and there are up to `max_threads`, so a dead name holds up only those
// who ask for it.
//
// The threads are never joined without bound: the destructor waits 200 ms for them, and then
// leaves them to end by themselves. Nothing they still do touches the loop or this object. The process
// may therefore end while getaddrinfo hangs (a second SIGTERM must be able to do that); main() should end
// by std::_Exit or return soon after.
class SystemResolver final : public Resolver {
 public:
  SystemResolver(Executor executor, Clock& clock, unsigned max_threads = 16);
  // Tests give a look-up of their own; it is called on the threads.
  SystemResolver(Executor executor, Clock& clock, unsigned max_threads, LookUp look_up);
  ~SystemResolver() override;
  SystemResolver(const SystemResolver&) = delete;
  SystemResolver& operator=(const SystemResolver&) = delete;

  Task<Result<std::vector<std::string>>> resolve(std::string host, Duration limit) override;

 private:
  struct Pending;
  struct Shared;
  void start(const std::string& host, const std::shared_ptr<Pending>& pending);
  static Task<void> wait_for(std::shared_ptr<Pending> pending);
  std::shared_ptr<Shared> shared_;
  Clock& clock_;
};

}  // namespace auditferry
