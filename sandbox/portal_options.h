#pragma once
// What a simulated portal is told to be: its tenants and tokens, what its logs hold, and how it answers.
// The shape of requests and answers is that of the AppTego Management API (its documented calls, and our
// assumptions about the two log queries), and of the Okta System Log and the GitHub audit log for the
// oldest-first dialects. Every deviation that a real portal may show is an option here.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/profile.h"
#include "core/time.h"

namespace auditferry {

// The first tenant, its token and its address are fixed, so that examples can be copied from the docs.
inline constexpr const char* sandbox_tenant = "9f1c0a4e7b8d4a4db52e6a6d5c5c1f11";
inline constexpr const char* sandbox_second_tenant = "5b0d6c1e2f7a4e0c9a3d8b7c6e5f4a32";
inline constexpr const char* sandbox_token_key = "sandbox-key";
inline constexpr const char* sandbox_token_secret = "sandbox-secret";
// What the default token may do. The vendor documents no permission for reading logs; these are ours.
inline constexpr const char* permission_audit_logs = "view_audit_logs";
inline constexpr const char* permission_device_logs = "view_device_logs";

struct SandboxTenant {
  std::string id;
  std::string name;
  std::string plan = "ENTERPRISE";  // FREE, TEAM or ENTERPRISE
};

struct SandboxToken {
  std::string key;
  std::string secret;
  std::set<std::string> tenants;  // ids it may act for
  std::set<std::string> permissions = {permission_audit_logs, permission_device_logs};
  bool revoked = false;
};

// Which log a stream imitates; decides the fields of its records and the path that serves it.
enum class SandboxLog {
  audit,   // stream "audit":  POST /frontend/audit_logs
  device,  // stream "device": POST /frontend/device_logs
  okta,    // stream "okta":   GET /api/v1/logs
  github,  // stream "github": GET /orgs/NAME/audit-log
};

const char* stream_name(SandboxLog log);

// What comes into being in one stream. A record is a function of (seed, its number), so two portals with
// the same options show the same records however often they are asked.
struct SandboxStreamOptions {
  double rate_per_second = 0;    // 0: nothing by itself
  std::uint32_t pile = 1;        // this many neighbours share one instant
  Duration burst_every{};        // 0: none
  std::uint32_t burst_size = 0;  // records of one instant, each burst_every
  Duration history{};            // generation begins this long before the portal was made
  double late_share = 0;         // of records that appear late_by after their creation_time
  Duration late_by{};
  double disorder_share = 0;  // of records whose creation_time lies up to disorder_by in the past
  Duration disorder_by{};
  std::uint64_t record_bytes = 0;  // pads a record's JSON to this size; 0: as it comes
  double huge_share = 0;           // of records padded to huge_bytes
  std::uint64_t huge_bytes = 5u << 20;
  Duration retention{};  // older records are forgotten; 0: never
  std::int64_t first_event = 80'000;
};

enum class SandboxPaging { cursor, offset, page };
enum class SandboxCursorEnd { null_value, empty_string, missing_key };
enum class SandboxLastPage {
  exact,      // no cursor when nothing follows
  when_full,  // a full page always has a cursor, so the last page may be empty
};
// How a cursor that has expired is refused, the last three of them with status 200.
enum class SandboxExpiredCursor { status_400, empty_page, first_page, same_cursor };

// How the two AppTego logs answer. Options about fields act on records made afterwards.
struct SandboxDialect {
  bool order_by_event = false;  // else newest first by (creation_time, event)
  SandboxPaging paging = SandboxPaging::cursor;
  SandboxCursorEnd cursor_end = SandboxCursorEnd::null_value;
  SandboxLastPage last_page = SandboxLastPage::exact;
  bool cursor_as_number = false;
  bool ignore_start = false;
  bool ignore_end = false;
  bool exclusive_start = false;
  bool exclusive_end = false;
  TimeUnit time_unit = TimeUnit::seconds;          // of creation_time; seconds or milliseconds
  TimeUnit request_time_unit = TimeUnit::seconds;  // of start_time and end_time
  std::string array_name = "logs";
  bool id_missing = false;
  bool id_as_string = false;
  bool successful_as_number = false;
  bool raw_data_as_object = false;
  std::uint32_t first_page = 0;  // page-number paging
  Duration max_window{};         // a longer range is a 400; 0: any
  bool strict_fields = false;    // an unknown field of the request is a 400, else ignored
};

struct SandboxCursors {
  Duration lifetime{};     // 0: for ever
  std::uint32_t uses = 0;  // pages that may be followed from one request by time; 0: any number
  SandboxExpiredCursor expired = SandboxExpiredCursor::status_400;
};

// A fixed-window limit on requests per credential, as the portal's own habit (faults are in faults.h).
struct SandboxRateLimit {
  std::uint32_t requests = 0;  // per window; 0: no limit and no X-RateLimit headers
  Duration window = std::chrono::minutes(1);
  bool reset_as_epoch = true;  // X-RateLimit-Reset: epoch seconds, else seconds from now
  bool as_403 = false;         // refuses with 403 (GitHub) instead of 429
  bool say_retry_after = true;
};

struct PortalOptions {
  std::uint64_t seed = 1;
  std::vector<SandboxTenant> tenants = {{sandbox_tenant, "Sandbox", "ENTERPRISE"},
                                        {sandbox_second_tenant, "Sandbox Two", "TEAM"}};
  std::vector<SandboxToken> tokens = {
      {sandbox_token_key, sandbox_token_secret, {sandbox_tenant, sandbox_second_tenant}}};
  std::map<SandboxLog, SandboxStreamOptions> streams;  // every stream exists; these have options
  std::uint32_t page_limit = 1000;                     // the server's maximum, silently applied
  std::uint32_t default_page = 100;
  SandboxDialect dialect;
  SandboxCursors cursors;
  SandboxRateLimit rate_limit;
  Duration date_offset{};                             // added to the Date header only
  std::string okta_token = "sandbox-okta-token";      // Authorization: SSWS …
  std::string github_token = "sandbox-github-token";  // Authorization: Bearer …
};

}  // namespace auditferry
