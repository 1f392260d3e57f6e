#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/http_client.h"
#include "core/time.h"
#include "sandbox/faults.h"
#include "sandbox/portal_options.h"

namespace auditferry {

struct PortalRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query
  std::vector<HttpHeader> headers;
  std::string body;
  std::string origin = "http://127.0.0.1";  // scheme, host and port as the client sees them, for links
};

// How an answer travels, beside what it says.
struct AnswerTransport {
  enum class End { keep_alive, close, reset, half_close };
  bool refuse = false;                     // the connection ends before any byte
  bool hang = false;                       // no byte ever comes
  Duration delay{};                        // before the first byte
  std::uint64_t bytes_per_second = 0;      // 0: at full speed
  std::optional<std::uint64_t> cut_after;  // bytes of the body that are sent, then `end`
  End end = End::keep_alive;
};

struct PortalAnswer {
  int status = 200;
  std::vector<HttpHeader> headers;  // without Content-Length, Transfer-Encoding and Connection
  std::string body;
  // Appends the next piece of the body after `body`; false when nothing is left. Empty: `body` is all.
  std::function<bool(std::string&)> more;
  // Of body and more, when it is known; else an answer with `more` is sent in chunks.
  std::optional<std::uint64_t> total_bytes;
  AnswerTransport transport;
};

// A record as the portal remembers it, for comparing with what has been collected.
struct RecordInfo {
  std::string id;
  std::int64_t event = 0;
  WallTime created{};
  WallTime first_visible{};
  std::shared_ptr<const std::string> json;
  std::uint32_t changes = 0;
  bool erased = false;
  bool forgotten = false;  // older than the retention now
};

struct StreamStats {
  std::uint64_t made = 0;
  std::uint64_t changed = 0;
  std::uint64_t erased = 0;
  std::uint64_t forgotten = 0;
};

struct PortalStats {
  std::uint64_t requests = 0;              // without those under /sandbox/
  std::map<int, std::uint64_t> by_status;  // 0: refused, or never answered
  std::map<std::string, std::uint64_t> by_path;
  std::map<std::string, std::uint64_t> faults;  // by kind, those that were met
  std::map<SandboxExpiredCursor, std::uint64_t> expired_cursors;  // that were used, by how they were refused
  std::uint64_t during_penalty = 0;  // requests that came while a penalty the portal had imposed was running
  std::map<std::string, StreamStats> streams;  // of the first tenant
};

// A request that was served, for tests that look at how a client behaves.
struct SeenRequest {
  WallTime at{};
  std::string method;
  std::string target;
  std::string body;
  int status = 0;
  std::string fault;  // its kind; empty: none was met
};

struct PortalState;

// The simulated portal: pure and deterministic, no sockets and no clock of its own. Thread-safe.
//
// Besides the vendor's calls it answers GET /sandbox/records?stream=audit (NDJSON, everything it has ever
// shown), GET /sandbox/stats, POST /sandbox/stop-making, POST /sandbox/faults (parse_faults), and POST
// /sandbox/change?stream=audit&id=81723 and /sandbox/erase?…, which do what change() and erase() do.
// Where a stream is named, the tenant may be too; without it the first tenant is meant.
class Portal {
 public:
  Portal(PortalOptions options, std::function<WallTime()> now);
  ~Portal();
  Portal(const Portal&) = delete;
  Portal& operator=(const Portal&) = delete;

  PortalAnswer handle(const PortalRequest& request);

  // Lets everything come into being that is due; handle() does it by itself.
  void advance_to(WallTime now);
  // `count` records spread evenly over [from, to], visible from their time on; the JSON has
  // `record_bytes` bytes (0: as the stream's options say). Returns their ids.
  std::vector<std::string> make(std::string_view stream, std::size_t count, WallTime from, WallTime to,
                                std::uint64_t record_bytes = 0, std::string_view tenant = {});
  // One record with these fields (names and JSON tokens) replacing or joining the generated ones, created
  // at `created`, visible from `visible_from` (nothing: now). Returns its id.
  using Fields = std::vector<std::pair<std::string, std::string>>;
  std::string add(std::string_view stream, WallTime created, const Fields& fields = {},
                  std::optional<WallTime> visible_from = std::nullopt, std::string_view tenant = {});
  // One record that is exactly this text, valid JSON or not, under `id` in the books.
  void add_raw(std::string_view stream, WallTime created, std::string id, std::string json,
               std::string_view tenant = {});
  // The portal changes its history: the record keeps id and time and says something else. False: no such id.
  bool change(std::string_view stream, std::string_view id, std::string_view tenant = {});
  bool erase(std::string_view stream, std::string_view id, std::string_view tenant = {});
  // Nothing more comes into being by itself; what was created but is late still appears.
  void stop_making();
  void resume_making();

  void set_faults(Faults faults);
  void add_fault(ScriptedFault fault);
  void expire_cursors();
  void end_penalties();
  // Options that may change while the portal runs.
  void set_dialect(const SandboxDialect& dialect);
  void set_cursors(const SandboxCursors& cursors);
  void set_plan(std::string_view tenant, std::string plan);
  void set_token_revoked(std::string_view key, bool revoked);
  void set_permissions(std::string_view key, std::set<std::string> permissions);
  void set_retention(std::string_view stream, Duration retention, std::string_view tenant = {});
  void set_date_offset(Duration offset);

  // Everything that has ever been visible, in the order of appearance.
  std::vector<RecordInfo> all_records(std::string_view stream, std::string_view tenant = {});
  PortalStats stats();
  // The last 100,000 requests, without those under /sandbox/.
  std::vector<SeenRequest> seen_requests();

 private:
  std::mutex mutex_;
  std::unique_ptr<PortalState> state_;
};

}  // namespace auditferry
