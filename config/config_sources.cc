#include <algorithm>
#include <set>

#include "config/config_parts.h"
#include "config/nearest_name.h"
#include "config/peer_reader.h"
#include "core/http_client.h"

namespace auditferry {
namespace {

std::map<std::string, std::string> read_headers(TomlTable& table) {
  static constexpr const char* secret[] = {"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key"};
  static constexpr const char* ours[] = {"Host", "Content-Length", "Transfer-Encoding", "Connection",
                                         "User-Agent"};
  std::map<std::string, std::string> headers = read_string_map(table, "headers");
  for (const auto& [name, value] : headers) {
    const auto is = [&name = name](const char* other) { return same_header_name(name, other); };
    TomlTable at = *table.table("headers");
    const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 ||
             std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (!token) {
      at.error(name, "is not the name of an HTTP header");
    } else if (std::any_of(value.begin(), value.end(),
                           [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
      at.error(name, "holds a line break or another control character");
    } else if (std::any_of(std::begin(secret), std::end(secret), is)) {
      at.error(name,
               "is a secret and never stands in this file: give it under credentials.*, and let the "
               "profile put it into the header");
    } else if (std::any_of(std::begin(ours), std::end(ours), is)) {
      at.error(name, same_header_name(name, "User-Agent") ? "is set with the key user_agent"
                                                      : "is set by auditferry itself");
    }
  }
  return headers;
}

std::map<std::string, Secret> read_credentials(ConfigContext& context, TomlTable& table,
                                               const Profile& profile) {
  std::map<std::string, Secret> credentials;
  auto given = table.table("credentials");
  for (const std::string& name : profile.credentials) {
    if (given && given->has(name)) {
      if (auto secret = read_secret(*given, name, context.places)) credentials[name] = std::move(*secret);
      continue;
    }
    if (given) given->knows(name);
    if (given || !table.has("credentials")) {
      table.error("credentials", "the credential " + name + " is missing: write credentials." + name +
                                     " = { env = \"NAME\" } or { file = \"PATH\" }");
    }
  }
  return credentials;
}

std::vector<std::string> read_tenants(TomlTable& table, const Profile* profile) {
  const auto check = [&table](const char* key, const std::string& tenant) {
    if (good_name(tenant)) return true;
    table.error(key, "\"" + tenant + "\" is no tenant: letters, digits, '-', '_' and '.', not more than 100");
    return false;
  };
  if (table.has("tenant") && table.has("tenants"))
    table.error("tenants", "stands beside tenant: write one of the two");
  std::vector<std::string> tenants;
  if (const auto one = table.string("tenant")) {
    if (check("tenant", *one)) tenants.push_back(*one);
  }
  const auto many = table.strings("tenants");
  if (many && many->empty()) table.error("tenants", "is empty: name at least one");
  std::set<std::string> seen;
  for (const std::string& tenant : many.value_or(std::vector<std::string>())) {
    if (!check("tenants", tenant)) continue;
    if (!seen.insert(tenant).second) {
      table.error("tenants", "names \"" + tenant + "\" twice");
    } else {
      tenants.push_back(tenant);
    }
  }
  const bool absent = !table.has("tenant") && !table.has("tenants");
  if (absent && profile != nullptr && profile->tenant_required)
    table.error("tenant", "is missing: " + (profile->title.empty() ? profile->vendor : profile->title) +
                              " needs the id of the tenant");
  if (tenants.empty()) tenants.emplace_back();
  return tenants;
}

std::vector<std::string> stream_names(const Profile& profile) {
  std::vector<std::string> names;
  for (const auto& entry : profile.streams) names.push_back(entry.first);
  return names;
}

void read_streams(TomlTable& table, const Profile& profile, const StreamDefaults& defaults,
                  std::vector<StreamSettings>& streams) {
  const std::vector<std::string> known = stream_names(profile);
  std::vector<std::string> wanted = table.strings("streams").value_or(known);
  if (wanted.empty()) table.error("streams", "is empty: name at least one, or leave the key out for all");
  auto own = table.table("stream");
  std::set<std::string> seen;
  for (const std::string& name : wanted) {
    if (profile.streams.count(name) == 0) {
      table.error("streams", "there is no stream \"" + name + "\" in profile \"" + profile.vendor + "\"; " +
                                 suggestion(name, known));
    } else if (!seen.insert(name).second) {
      table.error("streams", "names \"" + name + "\" twice");
    } else {
      auto stream_table = own ? own->table(name) : std::nullopt;
      streams.push_back(read_stream(std::move(stream_table), table, profile.streams.at(name), defaults));
    }
  }
  if (!own) return;
  // What is not collected is checked all the same; names that the profile lacks stay unknown keys.
  for (const std::string& name : known) {
    auto unused = seen.count(name) == 0 ? own->table(name) : std::nullopt;
    if (unused) read_stream(std::move(unused), table, profile.streams.at(name), defaults);
  }
}

std::optional<Profile> read_profile(ConfigContext& context, TomlTable& table) {
  const std::string name = table.required_string("profile");
  if (name.empty()) {
    if (table.kind("profile") == TomlKind::string) table.error("profile", "expected a name or a path");
    return std::nullopt;
  }
  Result<Profile> profile = context.hooks.load_profile(name, context.places.folder);
  if (profile.ok()) return std::move(profile).value();
  std::string message = profile.error().message;
  // A profile's own errors are lines with places of their own.
  for (std::size_t at = 0; (at = message.find('\n', at)) != std::string::npos; at += 3)
    message.replace(at, 1, "\n  ");
  table.error("profile", "cannot be used: " + message);
  return std::nullopt;
}

// What one table says; the tenants make sources of it.
void read_source_keys(ConfigContext& context, TomlTable& table, SourceSettings& source) {
  read_peer(table, context.places, source.peer);
  source.headers = read_headers(table);
  if (const auto rate = table.integer("requests_per_minute", 1, 60'000))
    source.requests_per_minute = static_cast<std::uint32_t>(*rate);
  if (const auto order = table.choice<CatchUp>(
          "catch_up", {{"live_first", CatchUp::live_first}, {"oldest_first", CatchUp::oldest_first}}))
    source.catch_up = *order;
  read_duration(table, "max_retry_after", std::chrono::seconds(1), source.max_retry_after);
  read_duration(table, "max_backoff", std::chrono::milliseconds(1), source.max_backoff);
  const auto size = [&table](const char* key, std::uint64_t& target) {
    const auto value = table.size(key);
    if (value && *value < 1024) table.error(key, "expected a size of at least \"1KiB\"");
    if (value) target = *value;
  };
  size("max_page_bytes", source.max_page_bytes);
  size("max_record", source.max_record);
  if (source.max_record > source.max_page_bytes)
    table.error("max_record", "is larger than max_page_bytes, which no record can be");
}

void add_tenant(ConfigContext& context, TomlTable& tables, const std::string& name, SourceSettings source) {
  for (const StreamSettings& stream : source.streams) {
    // What the ids of its records begin with; two portals with the same would share them.
    const std::string place = "source " + source.profile.vendor + "\n" + source.tenant + "\n" + stream.name;
    const auto [entry, fresh] =
        context.taken.emplace(place, std::make_pair(source.name, tables.position(name)));
    if (fresh) continue;
    tables.error(name, "collects stream \"" + stream.name + "\" of tenant \"" + source.tenant + "\" of vendor \"" +
                           source.profile.vendor + "\", as source \"" + entry->second.first + "\" (" +
                           to_string(entry->second.second) +
                           ") does, and their records would share their ids: keep one of the two; two portals need two "
                           "tenants, or a profile each with a vendor of its own");
  }
  const auto same = [&source](const SourceSettings& other) { return other.name == source.name; };
  if (std::any_of(context.settings.sources.begin(), context.settings.sources.end(), same))
    tables.error(name, "gives a second source the name \"" + source.name + "\": rename one of the tables");
  context.settings.sources.push_back(std::move(source));
}

void read_source(ConfigContext& context, TomlTable& tables, const std::string& name, TomlTable table) {
  const std::optional<Profile> profile = read_profile(context, table);
  SourceSettings source;
  if (profile) source.requests_per_minute = profile->requests_per_minute;
  read_source_keys(context, table, source);
  StreamDefaults defaults;
  read_stream_defaults(table, defaults);
  const std::vector<std::string> tenants = read_tenants(table, profile ? &*profile : nullptr);
  std::vector<std::string>& names = context.sources_of_table[name];
  for (const std::string& tenant : tenants)
    names.push_back(table.has("tenants") ? name + "-" + tenant : name);
  if (!profile) {
    // Without the profile nothing can be said about these.
    for (const char* key : {"base_url", "credentials", "streams", "stream"}) table.knows(key);
    context.streams_complete = false;
    return;
  }
  for (const std::string& stream : stream_names(*profile)) context.known_streams.push_back(stream);
  source.profile = *profile;
  source.base_url = read_url(table, "base_url", profile->base_url, source.peer);
  source.credentials = read_credentials(context, table, *profile);
  read_streams(table, *profile, defaults, source.streams);
  for (std::size_t i = 0; i < tenants.size(); ++i) {
    SourceSettings one = source;
    one.name = names[i];
    one.tenant = tenants[i];
    add_tenant(context, tables, name, std::move(one));
  }
}

}  // namespace

void read_sources(ConfigContext& context, TomlTable& root) {
  auto tables = root.table("sources");
  if (!tables) return;
  for (const std::string& name : tables->keys()) {
    if (!claim_table(*tables, name, "a source", context.source_tables)) continue;
    if (auto table = tables->table(name)) read_source(context, *tables, name, *table);
  }
}

}  // namespace auditferry
