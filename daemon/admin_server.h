#pragma once
// The admin listener: HTTP/1.1 (RFC 9112), GET and HEAD only, one answer per connection. It asks nobody for
// a password, so it listens on loopback unless told otherwise, and answers only to Host names that it knows:
// a web page whose name was pointed at this address (DNS rebinding) gets nothing.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/result.h"
#include "core/task_group.h"

namespace auditferry {

struct AdminAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string content_policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
};

// What is served. The server deals with everything about HTTP; get() is called on the loop thread, by
// several coroutines at once, with a path that begins with '/' and has no query.
class AdminPages {
 public:
  virtual ~AdminPages() = default;
  virtual Task<AdminAnswer> get(std::string path) = 0;
};

struct AdminLimits {
  Duration patience = std::chrono::seconds(10);  // for reading a request, for writing an answer
  std::size_t connections = 32;                  // more wait in the system's queue
};

// Loop thread only. Settings, clock, log and pages outlive it; it outlives the tasks that start() spawned.
class AdminServer {
 public:
  AdminServer(Executor loop, Clock& clock, Log& log, const AdminSettings& settings, AdminPages& pages, AdminLimits limits = {});
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Takes the address. Blocks for as long as a look-up of the host name takes. Logs where it listens.
  Status open();
  // Precondition: open() succeeded. Serves until stop() or until `group` is cancelled; the group outlives
  // the server's work.
  void start(TaskGroup& group);
  // No new connections; those under way end by themselves or with the group.
  void stop();
  std::uint16_t port() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether a Host header names this machine: localhost, an IP literal, or one of `hosts`; a port may follow.
bool admin_host_allowed(std::string_view host, const std::vector<std::string>& hosts);

}  // namespace auditferry
