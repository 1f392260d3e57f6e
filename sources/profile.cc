#include "sources/profile.h"

#include <algorithm>
#include <limits>

#include "config/nearest_name.h"
#include "config/toml_reader.h"
#include "sources/embedded_profiles.h"
#include "sources/profile_check.h"
#include "encoding/url.h"

namespace auditferry {
namespace {

constexpr std::int64_t largest_count = std::numeric_limits<std::uint32_t>::max();

template <class Value>
void set(Value& target, std::optional<Value> value) {
  if (value) target = std::move(*value);
}

void set_count(std::uint32_t& target, TomlTable& table, std::string_view key, std::int64_t min) {
  if (const auto value = table.integer(key, min, largest_count)) target = static_cast<std::uint32_t>(*value);
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

class Loader {
 public:
  explicit Loader(TomlTable root) : root_(std::move(root)) {}

  Profile load() {
    head();
    known_ = profile_check::placeholders(profile_);
    headers();
    rate_limit();
    if (auto table = root_.table("probe")) profile_.probe = request(*table);
    plan_probe();
    streams();
    return std::move(profile_);
  }

 private:
  void head() {
    profile_.vendor = root_.required_string("vendor");
    if (!profile_.vendor.empty() && !is_plain_name(profile_.vendor)) {
      root_.error("vendor", "is part of every record's id and may hold only a-z, 0-9, '_' and '-'");
    }
    profile_.title = root_.string("title").value_or(profile_.vendor);
    set(profile_.base_url, root_.string("base_url"));
    if (!profile_.base_url.empty() && !parse_url(profile_.base_url).ok()) {
      root_.error("base_url", "is not an absolute http:// or https:// address");
    }
    set(profile_.credentials, root_.strings("credentials"));
    for (const std::string& name : profile_.credentials) {
      if (!is_plain_name(name))
        root_.error("credentials", "\"" + name + "\" may hold only a-z, 0-9, '_' and '-'");
    }
    set(profile_.tenant_required, root_.boolean("tenant_required"));
    set_count(profile_.requests_per_minute, root_, "requests_per_minute", 1);
    pointer(root_, "success", profile_.success, false);
    set(profile_.error_text, root_.strings("error_text"));
    for (const std::string& value : profile_.error_text)
      profile_check::pointer(root_, "error_text", value, false);
    set(profile_.request_id_headers, root_.strings("request_id_headers"));
  }

  void headers() {
    auto table = root_.table("headers");
    if (!table) return;
    for (const std::string& name : table->keys()) {
      const std::optional<std::string> text = table->string(name);
      if (!text) continue;
      profile_check::text_template(*table, name, *text, known_);
      profile_.headers[name] = *text;
    }
  }

  void rate_limit() {
    auto table = root_.table("rate_limit");
    if (!table) return;
    RateLimitProfile& limit = profile_.rate_limit;
    set(limit.limit_header, table->string("limit_header"));
    set(limit.remaining_header, table->string("remaining_header"));
    set(limit.reset_header, table->string("reset_header"));
    set(limit.reset,
        table->choice<RateReset>("reset", {{"epoch", RateReset::epoch}, {"delta", RateReset::delta}}));
    set(limit.limited_header, table->string("limited_header"));
    set(limit.limited_value, table->string("limited_value"));
  }

  void plan_probe() {
    auto table = root_.table("plan_probe");
    if (!table) return;
    PlanProbe probe;
    probe.plan = table->required_string("plan");
    profile_check::pointer(*table, "plan", probe.plan, false);
    probe.request = request(*table);
    profile_.plan_probe = std::move(probe);
  }

  RequestTemplate request(TomlTable& table) {
    RequestTemplate result;
    set(result.method,
        table.choice<std::string>("method", {{"GET", "GET"}, {"POST", "POST"}, {"PUT", "PUT"}}));
    result.path = table.required_string("path");
    profile_check::text_template(table, "path", result.path, known_);
    if (auto query = table.table("query")) fields(*query, {}, result.query, false);
    if (auto body = table.table("body")) {
      result.has_body = true;
      fields(*body, {}, result.body, true);
      if (result.method == "GET")
        table.error("body", "a GET request has no body; use query, or method = \"POST\"");
    }
    return result;
  }

  // `nested`: tables inside are objects of the body; in URL parameters there are none.
  void fields(TomlTable& table, const std::vector<std::string>& above, std::vector<TemplateField>& out,
              bool nested) {
    for (const std::string& key : table.keys()) {
      TemplateField field;
      field.path = above;
      field.path.push_back(key);
      const TomlKind kind = table.kind(key);
      if (kind == TomlKind::table && nested) {
        if (auto inner = table.table(key)) fields(*inner, field.path, out, true);
        continue;
      }
      if (kind == TomlKind::table) {
        table.error(key, "a URL parameter is a string, a number, true, false or an array of these");
        continue;
      }
      if (kind == TomlKind::string) {
        field.text = table.string(key).value_or("");
        profile_check::text_template(table, key, field.text, known_);
      } else {
        field.is_literal = true;
        field.literal = table.json(key).value_or("null");
      }
      out.push_back(std::move(field));
    }
  }

  void streams() {
    auto table = root_.required_table("streams");
    if (!table) return;
    const std::vector<std::string> names = table->keys();
    if (names.empty()) table->error("a profile needs at least one stream");
    for (const std::string& name : names) {
      if (!is_plain_name(name))
        table->error(name, "is part of every record's id and may hold only a-z, 0-9, '_' and '-'");
      if (auto inner = table->table(name)) profile_.streams[name] = stream(name, *inner);
    }
  }

  StreamProfile stream(const std::string& name, TomlTable& table) {
    StreamProfile stream;
    stream.name = name;
    set(stream.order, table.choice<RecordOrder>("order", {{"newest_first", RecordOrder::newest_first},
                                                          {"oldest_first", RecordOrder::oldest_first}}));
    set(stream.paging, table.choice<PagingKind>("paging", {{"cursor", PagingKind::cursor},
                                                           {"link", PagingKind::link},
                                                           {"offset", PagingKind::offset},
                                                           {"page", PagingKind::page}}));
    set(stream.time_unit, unit(table, "time_unit"));
    stream.request_time_unit = unit(table, "request_time_unit").value_or(stream.time_unit);
    if (!table.has("records"))
      table.error("records",
                  "is missing; the pointer to the array of records (\"\" when the answer is the array)");
    pointer(table, "records", stream.records, false);
    pointer(table, "cursor", stream.cursor, false);
    set(stream.next_link_always, table.boolean("next_link_always"));
    set_count(stream.page_size, table, "page_size", 1);
    stream.max_page_size = std::max(stream.max_page_size, stream.page_size);
    set_count(stream.max_page_size, table, "max_page_size", 1);
    set_count(stream.first_page, table, "first_page", 0);
    set(stream.max_window, table.duration("max_window"));
    if (stream.max_window < std::chrono::minutes(1)) table.error("max_window", "is shorter than a minute");
    set(stream.embedded_json, table.strings("embedded_json"));
    for (const std::string& value : stream.embedded_json)
      profile_check::pointer(table, "embedded_json", value, true);
    set(stream.plan_needed, table.string("plan_needed"));
    set(stream.kind, table.choice<std::string>("kind", {{"audit", "audit"}, {"detection", "detection"}}));
    set(stream.default_query, table.string("default_query"));
    set(stream.reread, table.durations("reread"));
    if (auto inner = table.required_table("request")) stream.request = request(*inner);
    if (auto inner = table.required_table("fields")) meaning(*inner, stream.fields);
    profile_check::stream(table, stream);
    return stream;
  }

  std::optional<TimeUnit> unit(TomlTable& table, std::string_view key) {
    return table.choice<TimeUnit>(key, {{"seconds", TimeUnit::seconds},
                                        {"milliseconds", TimeUnit::milliseconds},
                                        {"microseconds", TimeUnit::microseconds},
                                        {"rfc3339", TimeUnit::rfc3339}});
  }

  void meaning(TomlTable& table, MeaningFields& fields) {
    pointer(table, "id", fields.id, true);
    pointer(table, "time", fields.time, true);
    pointer(table, "actor", fields.actor, true);
    pointer(table, "action", fields.action, true);
    pointer(table, "outcome", fields.outcome, true);
    pointer(table, "target", fields.target, true);
    pointer(table, "device", fields.device, true);
    pointer(table, "source_address", fields.source_address, true);
  }

  void pointer(TomlTable& table, std::string_view key, std::string& target, bool embedded) {
    const std::optional<std::string> value = table.string(key);
    if (!value) return;
    profile_check::pointer(table, key, *value, embedded);
    target = *value;
  }

  TomlTable root_;
  Profile profile_;
  std::vector<std::string> known_;
};

}  // namespace

Result<Profile> load_profile(std::string_view toml_text, std::string_view file_name) {
  TomlProblems problems;
  const std::optional<TomlDocument> document = TomlDocument::parse(toml_text, file_name, problems);
  if (!document) return problems.status().error();
  Profile profile = Loader(document->root()).load();
  document->report_unknown_keys();
  if (Status status = problems.status(); !status) return std::move(status).error();
  return profile;
}

Result<Profile> builtin_profile(std::string_view name) {
  for (const EmbeddedFile& file : embedded_profiles()) {
    if (file.name == name) return load_profile(file.text, "the built-in profile " + std::string(name));
  }
  return Error{ErrorKind::not_found, "there is no built-in profile \"" + std::string(name) + "\"; " +
                                         suggestion(name, builtin_profile_names()) +
                                         " A profile of your own is named by the path of its file."};
}

std::vector<std::string> builtin_profile_names() {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_profiles()) names.emplace_back(file.name);
  return names;
}

std::string_view builtin_profile_text(std::string_view name) {
  for (const EmbeddedFile& file : embedded_profiles()) {
    if (file.name == name) return file.text;
  }
  return {};
}

}  // namespace auditferry
