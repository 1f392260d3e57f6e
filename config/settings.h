#pragma once
// The configuration as values, checked and complete: defaults filled in, secrets resolved, profiles
// loaded. config/config_file.h makes it from TOML; config/example.toml explains every key.

#include <any>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/log.h"
#include "core/peer_settings.h"
#include "core/profile.h"
#include "core/secret.h"
#include "core/time.h"

namespace auditferry {

struct DaemonSettings {
  std::string state_dir = "./state";
  LogLevel log_level = LogLevel::info;
  bool log_json = false;
  Duration shutdown_timeout = std::chrono::seconds(20);
};

struct AdminSettings {
  bool enabled = true;  // listen = "" turns it off
  std::string host = "127.0.0.1";
  std::uint16_t port = 9640;  // 0: any, and logged
  std::vector<std::string> hosts;
};

struct JournalSettings {
  Duration keep = std::chrono::hours(24 * 7);
  Duration remember = std::chrono::hours(24 * 400);
  Duration ledger_keep = std::chrono::hours(24 * 365 * 5);
  std::uint64_t max_size = std::uint64_t{8} << 30;
  std::uint64_t min_free = std::uint64_t{1} << 30;
};

// Where coverage of a stream is to begin.
struct StartSetting {
  enum class Kind { time, ago, oldest };
  Kind kind = Kind::ago;
  WallTime time{};                          // kind time
  Duration ago = std::chrono::hours(24);    // kind ago: before the moment the stream is first seen
};

enum class CatchUp { live_first, oldest_first };

// A stream of a source with every default resolved (stream's own key, else the source's, else the
// profile's, else the program's).
struct StreamSettings {
  std::string name;
  StreamProfile profile;  // with id, time_unit and page_size as the configuration overrides them
  std::string query;
  StartSetting start;
  Duration overlap = std::chrono::minutes(10);
  Duration settle = Duration::zero();
  Duration slice = std::chrono::hours(24);
  Duration poll_every = std::chrono::seconds(30);
  std::optional<Duration> retention;
  std::vector<Duration> reread;
};

struct SourceSettings {
  std::string name;      // the label
  Profile profile;
  std::string base_url;  // without a slash at the end
  std::string tenant;
  std::map<std::string, Secret> credentials;
  std::vector<StreamSettings> streams;
  std::uint32_t requests_per_minute = 60;
  CatchUp catch_up = CatchUp::live_first;
  Duration max_retry_after = std::chrono::hours(24);
  Duration max_backoff = std::chrono::minutes(5);
  std::uint64_t max_page_bytes = 32u << 20;
  std::uint64_t max_record = 16u << 20;
  std::map<std::string, std::string> headers;
  PeerSettings peer;
};

using SelectValue = std::variant<std::string, std::int64_t, bool>;

// One [[exporters.NAME.select.where]].
struct SelectCondition {
  enum class Test {
    one_of,   // `values`: equals, in
    matches,  // `pattern`: '*' is any text, '?' one character
    exists,   // there and not null
  };
  // A JSON pointer ('#' steps into JSON inside a string), or the name of a meaning field: id, actor, action,
  // outcome, target, device, source_address.
  std::string field;
  Test test = Test::exists;
  std::vector<SelectValue> values;
  std::string pattern;
  bool negated = false;
};

struct SelectSettings {
  // Keys AND, values OR; an empty list selects everything.
  std::vector<std::string> sources;
  std::vector<std::string> streams;
  std::vector<SelectCondition> where;  // AND
};

enum class RedactAction {
  remove,
  mask,         // "***"
  hash,         // "hmac-sha256:HEX"
  truncate_ip,  // the network of an IP address: 24 bits of IPv4, 48 of IPv6
};

// One [[exporters.NAME.redact]].
struct RedactRule {
  // JSON pointer; the segment '*' is every member of an object or array, '#' at the end of a segment steps
  // into JSON inside a string.
  std::string field;
  RedactAction action = RedactAction::mask;
};

struct RedactSettings {
  std::vector<RedactRule> rules;  // carried out in this order
  Secret key;                     // of the hashes; empty without a rule that hashes
};

enum class WhenFull { hold, release };

struct BatchSettings {
  std::uint32_t records = 1000;
  std::uint64_t bytes = 1u << 20;
  Duration wait = std::chrono::milliseconds(200);
};

struct ExporterSettings {
  std::string name;
  std::string type;    // a name of the exporter catalog, for example "file"
  std::string format;  // a name of the format catalog, for example "json"
  bool enabled = true;
  bool start_now = false;
  WhenFull when_full = WhenFull::hold;
  SelectSettings select;
  RedactSettings redact;
  std::map<std::string, std::string> labels;
  BatchSettings batch;
  Duration max_backoff = std::chrono::minutes(5);
  // Writes that may be under way at once; exporters read it in limits().
  std::uint32_t concurrency = 1;
  // The most that the exporter's type can do; its reader in the exporter catalog sets it.
  std::uint32_t max_concurrency = 1;
  // Records that may become dead letters within an hour; beyond it the exporter pauses. 0: no limit.
  std::uint64_t dead_letters_max_rate = 1000;
  // tls.insecure of its far end; the reader in the exporter catalog sets it.
  bool insecure = false;
  // What two exporters must not share, for example "file:/var/log/x.jsonl"; empty: nothing.
  std::string output_key;
  // The type's own settings, as its reader in the exporter catalog made them (for example FileSettings).
  std::any own;
};

struct Settings {
  DaemonSettings daemon;
  AdminSettings admin;
  JournalSettings journal;
  std::vector<SourceSettings> sources;
  std::vector<ExporterSettings> exporters;
};

}  // namespace auditferry
