#include <algorithm>

#include "config/config_file.h"
#include "config/config_parts.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

void read_daemon(ConfigContext& context, std::optional<TomlTable> table) {
  DaemonSettings& daemon = context.settings.daemon;
  if (auto inherited = inherited_state_dir(context.places.environment)) daemon.state_dir = std::move(*inherited);
  if (!table) return;
  if (const auto folder = table->string("state_dir")) {
    if (folder->empty()) table->error("state_dir", "expected a folder, found an empty string");
    daemon.state_dir = *folder;
  }
  if (const auto level = table->choice<LogLevel>("log_level", {{"trace", LogLevel::trace},
                                                               {"debug", LogLevel::debug},
                                                               {"info", LogLevel::info},
                                                               {"warn", LogLevel::warn},
                                                               {"error", LogLevel::error}}))
    daemon.log_level = *level;
  if (const auto json = table->choice<bool>("log_format", {{"text", false}, {"json", true}}))
    daemon.log_json = *json;
  read_duration(*table, "shutdown_timeout", 0s, daemon.shutdown_timeout);
}

// "host:port"; an IPv6 address stands in brackets.
bool split_listen(const std::string& text, AdminSettings& admin) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  std::string host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (host.find_first_of("[] /") != std::string::npos) return false;
  if (!brackets && host.find(':') != std::string::npos) return false;
  const std::string port = text.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || std::stoi(port) > 65535) return false;
  admin.host = host;
  admin.port = static_cast<std::uint16_t>(std::stoi(port));
  return true;
}

void read_admin(ConfigContext& context, TomlTable table) {
  AdminSettings& admin = context.settings.admin;
  if (const auto listen = table.string("listen")) {
    admin.enabled = !listen->empty();
    if (admin.enabled && !split_listen(*listen, admin)) {
      table.error("listen",
                  "expected \"HOST:PORT\" such as \"127.0.0.1:9640\" or \"[::1]:9640\", or \"\" for "
                  "none, found \"" +
                      *listen + "\"");
    }
  }
  if (const auto hosts = table.strings("hosts")) admin.hosts = *hosts;
}

void read_journal(ConfigContext& context, TomlTable table) {
  JournalSettings& journal = context.settings.journal;
  read_duration(table, "keep", 0s, journal.keep);
  read_duration(table, "remember", 1h, journal.remember);
  read_duration(table, "ledger_keep", 1h, journal.ledger_keep);
  if (const auto size = table.size("max_size")) {
    journal.max_size = *size;
    if (*size < (1u << 20)) table.error("max_size", "is too small: a journal needs at least \"1MiB\"");
  }
  if (const auto size = table.size("min_free")) journal.min_free = *size;
  if (journal.remember < journal.keep) {
    table.error("remember", "is shorter than keep (" + format_duration(journal.keep) +
                                "): a record must be known at least as long as it is kept");
  }
}

}  // namespace

bool good_name(std::string_view name) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  return !name.empty() && name.size() <= 100 && name.front() != '.' && letters;
}

bool claim_table(TomlTable& tables, const std::string& name, const char* what,
                 std::map<std::string, TomlPosition>& defined) {
  if (!good_name(name)) {
    tables.error(name, "is no name for " + std::string(what) +
                           ": use letters, digits, '-', '_' and '.', not more than 100");
    tables.knows(name);
    return false;
  }
  const auto [entry, fresh] = defined.emplace(name, tables.position(name));
  if (fresh) return true;
  tables.error(name, "is defined already at " + to_string(entry->second) + ": keep one of the two");
  tables.knows(name);
  return false;
}

void read_duration(TomlTable& table, std::string_view key, Duration min, Duration& target) {
  const auto value = table.duration(key);
  if (!value) return;
  if (*value < min) {
    table.error(key, "expected a duration of at least \"" + format_duration(min) + "\", found \"" +
                         format_duration(*value) + "\"");
  } else {
    target = *value;
  }
}

std::map<std::string, std::string> read_string_map(TomlTable& table, std::string_view key) {
  std::map<std::string, std::string> values;
  auto inner = table.table(key);
  if (!inner) return values;
  for (const std::string& name : inner->keys()) {
    if (auto value = inner->string(name)) values[name] = *value;
  }
  return values;
}

void read_program(ConfigContext& context, TomlTable& root) {
  read_daemon(context, root.table("daemon"));
  if (const auto admin = root.table("admin")) read_admin(context, *admin);
  if (const auto journal = root.table("journal")) read_journal(context, *journal);
}

}  // namespace auditferry
