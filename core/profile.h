#pragma once
// What a profile file says about a vendor's API: plain values, nothing of them in code. sources/profile.h
// reads them from TOML; docs/profiles.md explains every key.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace auditferry {

enum class RecordOrder { newest_first, oldest_first };

enum class PagingKind {
  cursor,  // the answer holds a value to send back
  link,    // the answer's Link header (rel="next") or a field holds the address of the next page
  offset,  // the request says how many records to skip
  page,    // the request says which page, from `first_page`
};

// How the vendor writes times, in records and in requests.
enum class TimeUnit { seconds, milliseconds, microseconds, rfc3339 };

// A field of a request. `path` are the keys from the outside in (one for a query parameter). A template
// that is one placeholder alone takes the placeholder's own JSON type and the field is left out when the
// placeholder is empty; other templates make a string.
// Placeholders of a request: {from} {to} {page_size} {cursor} {offset} {page} {query} {tenant} and the
// names of the source's credentials; "|base64", "|url" and "|second" filter, {a:b|base64} joins two values
// with a colon first, [text in square brackets] goes when a placeholder in it is empty (sources/template.h).
struct TemplateField {
  std::vector<std::string> path;
  std::string text;       // template, when !literal
  std::string literal;    // a JSON value taken as it stands
  bool is_literal = false;
};

struct RequestTemplate {
  std::string method = "GET";
  std::string path;                       // appended to the base URL; may hold placeholders
  std::vector<TemplateField> query;       // URL parameters
  std::vector<TemplateField> body;        // JSON object; none: no body
  bool has_body = false;
};

// Where the meaning of a record is (JSON pointers, RFC 6901; '#' steps into JSON inside a string).
struct MeaningFields {
  std::string id;  // empty: the vendor has none, the content's hash serves
  std::string time;
  std::string actor;
  std::string action;
  std::string outcome;
  std::string target;
  std::string device;
  std::string source_address;
};

struct StreamProfile {
  std::string name;
  RequestTemplate request;
  RecordOrder order = RecordOrder::newest_first;
  PagingKind paging = PagingKind::cursor;
  // Which time order the vendor states for records; AppTego says "by event", so disorder is watched for.
  TimeUnit time_unit = TimeUnit::seconds;
  TimeUnit request_time_unit = TimeUnit::seconds;  // of {from} and {to}
  std::string records = "/logs";   // pointer to the array; "" is the whole body
  std::string cursor;              // pointer to the next cursor; link paging: pointer to the link, or "" for the Link header
  bool next_link_always = false;   // link paging: a next link is there even when nothing follows (Okta)
  std::uint32_t page_size = 100;
  std::uint32_t max_page_size = 1000;
  std::uint32_t first_page = 0;
  Duration max_window = std::chrono::hours(24 * 365 * 20);  // the longest range a request may ask for
  MeaningFields fields;
  std::vector<std::string> embedded_json;  // pointers to strings that hold JSON
  std::string plan_needed;                 // "ENTERPRISE"; empty: not gated
  std::string kind = "audit";              // "audit" or "detection": which classes the formats map to
  std::string default_query;
  std::vector<Duration> reread;
};

enum class RateReset { epoch, delta };

struct RateLimitProfile {
  std::string limit_header = "X-RateLimit-Limit";
  std::string remaining_header = "X-RateLimit-Remaining";
  std::string reset_header = "X-RateLimit-Reset";
  RateReset reset = RateReset::epoch;
  // A 403 with this header at this value is a rate limit, not a refusal (GitHub: X-RateLimit-Remaining 0).
  std::string limited_header;
  std::string limited_value;
};

struct PlanProbe {
  RequestTemplate request;
  std::string plan;  // pointer to the plan's name in the answer
};

struct Profile {
  std::string vendor;      // part of every record's id
  std::string title;       // for messages, for example "AppTego Management API"
  std::string base_url;    // the default
  std::vector<std::string> credentials;  // names that a source must give under credentials.*
  bool tenant_required = true;
  std::map<std::string, std::string> headers;  // templates
  std::vector<std::string> error_text;         // pointers to the text of an error, tried in order
  std::string success;                         // pointer; false there in a 200 is a failure; empty: not used
  std::vector<std::string> request_id_headers; // the vendor's id of a request, for the ledger
  RateLimitProfile rate_limit;
  std::uint32_t requests_per_minute = 60;
  std::optional<RequestTemplate> probe;        // a safe request that shows connectivity and credentials
  std::optional<PlanProbe> plan_probe;
  std::map<std::string, StreamProfile> streams;
};

// The profiles in use, for formats that look into records: those of the configured sources first, and the
// built-in ones for records of sources that are configured no more.
class ProfileBook {
 public:
  // The first profile that is added for a vendor stays.
  void add(const Profile& profile);
  // Nothing when the vendor or its stream is unknown. The result lives as long as the book.
  const Profile* vendor(std::string_view name) const;
  const StreamProfile* stream(std::string_view vendor, std::string_view stream) const;

 private:
  std::map<std::string, Profile, std::less<>> profiles_;
};

const char* to_string(TimeUnit unit);
// The step between two times that the vendor can tell apart; a millisecond for rfc3339.
Duration unit_step(TimeUnit unit);

}  // namespace auditferry
