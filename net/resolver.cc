#include "net/resolver.h"

#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "core/task_group.h"
#include "encoding/url.h"

namespace auditferry {
namespace {

// A look-up that hangs may be the last thread that could take one, at a time when nobody waits for it.
void take_no_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

constexpr std::chrono::milliseconds patience_at_the_end(200);

Error failed(const std::string& host, const std::string& why) {
  return Error{ErrorKind::resolve,
               "cannot find the address of " + host + ": " + why +
                   ": check the spelling of the host name and this machine's DNS settings"};
}

// Alternates the families, so that one that leads nowhere costs a single attempt (RFC 8305, section 4).
std::vector<std::string> interlace(std::vector<std::string> addresses) {
  std::vector<std::string> first;
  std::vector<std::string> second;
  const auto is_v6 = [](const std::string& address) { return address.find(':') != std::string::npos; };
  for (std::string& address : addresses) {
    const bool like_first = first.empty() || is_v6(address) == is_v6(first.front());
    (like_first ? first : second).push_back(std::move(address));
  }
  std::vector<std::string> mixed;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(std::move(first[i]));
    if (i < second.size()) mixed.push_back(std::move(second[i]));
  }
  return mixed;
}

Result<std::vector<std::string>> look_up_with_getaddrinfo(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int result = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (result != 0) return failed(host, gai_strerror(result));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) ==
        0) {
      addresses.emplace_back(text.data());
    }
  }
  if (addresses.empty()) return failed(host, "it has no address");
  return interlace(std::move(addresses));
}

}  // namespace

// One look-up that is under way. Touched on the loop thread only.
struct SystemResolver::Pending {
  explicit Pending(const Executor& executor) : done(executor) {
    done.expires_at(boost::asio::steady_timer::time_point::max());
  }
  boost::asio::steady_timer done;  // never expires: cancelling it wakes whoever waits
  std::optional<Result<std::vector<std::string>>> outcome;
};

// What the threads may touch; outlives the resolver for as long as one of them runs.
struct SystemResolver::Shared {
  Shared(Executor executor_in, unsigned max_threads_in, LookUp look_up_in)
      : executor(std::move(executor_in)), max_threads(max_threads_in), look_up(std::move(look_up_in)) {}

  std::mutex mutex;
  std::condition_variable thread_ended;
  // Nothing after the destructor, when the loop may be gone.
  std::optional<Executor> executor;
  unsigned running = 0;

  // Loop thread only.
  std::map<std::string, std::shared_ptr<Pending>> pending;
  unsigned max_threads;
  LookUp look_up;
};

SystemResolver::SystemResolver(Executor executor, Clock& clock, unsigned max_threads)
    : SystemResolver(std::move(executor), clock, max_threads, look_up_with_getaddrinfo) {}

SystemResolver::SystemResolver(Executor executor, Clock& clock, unsigned max_threads, LookUp look_up)
    : shared_(std::make_shared<Shared>(std::move(executor), max_threads, std::move(look_up))),
      clock_(clock) {}

SystemResolver::~SystemResolver() {
  // The timers in there belong to the loop, and a thread may be the last to hold what is shared.
  shared_->pending.clear();
  std::unique_lock lock(shared_->mutex);
  shared_->executor.reset();
  shared_->thread_ended.wait_for(lock, patience_at_the_end, [this] { return shared_->running == 0; });
}

void SystemResolver::start(const std::string& host, const std::shared_ptr<Pending>& pending) {
  {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->running >= shared_->max_threads) {
      pending->outcome = failed(host, "too many look-ups hang already");
      return;
    }
    ++shared_->running;
  }
  const auto body = [shared = shared_, host, weak = std::weak_ptr<Pending>(pending)] {
    take_no_signals();
    Result<std::vector<std::string>> outcome = shared->look_up(host);
    const std::scoped_lock lock(shared->mutex);
    if (shared->executor) {
      boost::asio::post(*shared->executor, [shared, host, weak, outcome = std::move(outcome)]() mutable {
        const std::shared_ptr<Pending> waiting = weak.lock();
        if (!waiting) return;
        waiting->outcome = std::move(outcome);
        shared->pending.erase(host);
        waiting->done.cancel();
      });
    }
    --shared->running;
    shared->thread_ended.notify_all();
  };
  try {
    std::thread(body).detach();
    shared_->pending[host] = pending;
  } catch (const std::system_error& error) {
    const std::scoped_lock lock(shared_->mutex);
    --shared_->running;
    pending->outcome = failed(host, error.what());
  }
}

Task<Result<std::vector<std::string>>> SystemResolver::resolve(std::string host, Duration limit) {
  if (is_ip_address(host)) co_return std::vector<std::string>{host};
  // RFC 6761, section 6.3: "localhost" and names under it are always the loopback addresses, without a question
  // to a name server. A machine without /etc/hosts has no other answer, and plain http:// is allowed to them.
  if (is_loopback(host)) co_return std::vector<std::string>{"127.0.0.1", "::1"};
  std::shared_ptr<Pending> pending;
  const auto under_way = shared_->pending.find(host);
  if (under_way != shared_->pending.end()) {
    pending = under_way->second;
  } else {
    pending = std::make_shared<Pending>(*shared_->executor);
    start(host, pending);
  }
  if (!pending->outcome) {
    Task<void> wait = wait_for(pending);
    Task<void> deadline = clock_.sleep(limit);
    co_await first_to_end(std::move(wait), std::move(deadline));
  }
  if (!pending->outcome) co_return failed(host, "no answer in time");
  co_return *pending->outcome;
}

Task<void> SystemResolver::wait_for(std::shared_ptr<Pending> pending) {
  // It may have ended between the question and the start of this task.
  if (pending->outcome) co_return;
  boost::system::error_code error;
  co_await pending->done.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, error));
  // Woken, or cancelled ourselves: a cancelled task unwinds.
  if (!pending->outcome) throw boost::system::system_error(boost::asio::error::operation_aborted);
}

}  // namespace auditferry
