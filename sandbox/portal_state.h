#pragma once
// The insides of Portal, shared by the files that answer one kind of call each. Guarded by Portal's mutex.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox/cursor_book.h"
#include "sandbox/faults.h"
#include "sandbox/portal.h"
#include "sandbox/record_generator.h"
#include "sandbox/record_log.h"

namespace auditferry {

// One log of one tenant.
struct PortalStream {
  PortalStream(SandboxLog log_in, const SandboxStreamOptions& options_in, const SandboxDialect& dialect,
               std::uint64_t seed, WallTime start)
      : log(log_in), options(options_in), generator(log_in, options_in, dialect, seed, start) {
    records.set_next_event(options_in.first_event);
  }
  SandboxLog log;
  SandboxStreamOptions options;
  RecordGenerator generator;
  RecordLog records;
  std::uint64_t changes = 0;

  // Nothing older than this is shown any more.
  std::optional<WallTime> oldest(WallTime now) const {
    if (options.retention.count() <= 0) return std::nullopt;
    return now - options.retention;
  }
};

struct PortalState {
  PortalOptions options;
  std::function<WallTime()> clock;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<PortalStream>> streams;  // (tenant, stream)
  CursorBook cursors{{}, 0};
  FaultPlan faults;
  bool making = true;
  struct Window {
    WallTime start{};
    std::uint64_t requests = 0;
  };
  std::map<std::string, Window> windows;  // of the rate limit, by credential
  struct Penalty {
    WallTime until{};
    int status = 429;
  };
  std::map<std::string, Penalty> penalties;  // by credential
  PortalStats stats;
  std::deque<SeenRequest> seen;
  std::uint64_t request_number = 0;

  // Nothing when there is no such stream.
  PortalStream* stream(std::string_view tenant, std::string_view name);
  PortalStream* stream(std::string_view tenant, SandboxLog log) { return stream(tenant, stream_name(log)); }
};

// A request taken apart.
struct ParsedTarget {
  std::string path;                          // without the query
  std::map<std::string, std::string> query;  // decoded
};
ParsedTarget parse_target(std::string_view target);
std::string url_encode(std::string_view text);

std::optional<std::string_view> find_header(const std::vector<HttpHeader>& headers, std::string_view name);
PortalAnswer json_answer(int status, std::string body);
// {"error":"text"}
PortalAnswer error_answer(int status, std::string_view text);

// The stream that a path asks for ("" when it is none).
std::string_view stream_of_path(std::string_view path);

PortalAnswer answer_apptego(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                            WallTime now);
PortalAnswer answer_apptego_log(PortalState& state, PortalStream& stream, std::string_view tenant,
                                const PortalRequest& request, WallTime now);
PortalAnswer answer_okta(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                         WallTime now);
PortalAnswer answer_github(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                           WallTime now);
PortalAnswer answer_sandbox(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                            WallTime now);

// stats with the streams' counts filled in.
PortalStats collect_stats(const PortalState& state, WallTime now);

// The portal changes its history. False: there is no such id.
bool change_record(PortalStream& stream, std::string_view id);
bool erase_record(PortalStream& stream, std::string_view id);

// Faults that need no page, or nothing when the request is to be served first.
std::optional<PortalAnswer> answer_instead(PortalState& state, const Fault& fault,
                                           const std::string& credential, WallTime now);
// Spoils an answer that has been made.
void spoil(const Fault& fault, PortalAnswer& answer);

}  // namespace auditferry
