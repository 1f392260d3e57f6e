#include <algorithm>

#include "config/config_parts.h"
#include "config/nearest_name.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

using namespace std::chrono_literals;

void read_start(TomlTable& table, StartSetting& start) {
  const TomlKind kind = table.kind("start");
  if (kind == TomlKind::none) return;
  if (kind == TomlKind::time) {
    const auto time = table.time("start");
    if (time) start = {StartSetting::Kind::time, *time, Duration::zero()};
    return;
  }
  const auto text = table.string("start");
  if (!text) return;
  if (*text == "oldest") {
    start = {StartSetting::Kind::oldest, {}, Duration::zero()};
  } else if (const auto time = parse_rfc3339(*text)) {
    start = {StartSetting::Kind::time, *time, Duration::zero()};
  } else if (const auto ago = text->starts_with('-') ? parse_duration(text->substr(1)) : std::nullopt) {
    start = {StartSetting::Kind::ago, {}, *ago};
  } else {
    table.error("start",
                "expected a time such as \"2025-11-23T10:25:12Z\", a time ago such as \"-24h\", or "
                "\"oldest\", found \"" +
                    *text + "\"");
  }
}

void read_reread(TomlTable& table, std::optional<std::vector<Duration>>& reread) {
  auto values = table.durations("reread");
  if (!values) return;
  if (std::any_of(values->begin(), values->end(), [](Duration d) { return d < 1s; })) {
    table.error("reread", "expected durations of at least \"1s\"");
    return;
  }
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
  reread = std::move(values);
}

void read_overrides(TomlTable& table, StreamSettings& stream) {
  if (const auto query = table.string("query")) stream.query = *query;
  if (const auto id = table.string("id")) {
    if (!id->empty() && id->front() != '/') {
      table.error("id",
                  "expected a JSON pointer such as \"/event\", or \"\" for the hash of the content, "
                  "found \"" +
                      *id + "\"");
    } else {
      stream.profile.fields.id = *id;
    }
  }
  if (const auto unit = table.choice<TimeUnit>("time_unit", {{"seconds", TimeUnit::seconds},
                                                             {"milliseconds", TimeUnit::milliseconds},
                                                             {"microseconds", TimeUnit::microseconds},
                                                             {"rfc3339", TimeUnit::rfc3339}})) {
    // Requests follow where the profile says one unit for both.
    if (stream.profile.request_time_unit == stream.profile.time_unit)
      stream.profile.request_time_unit = *unit;
    stream.profile.time_unit = *unit;
  }
}

}  // namespace

void read_stream_defaults(TomlTable& table, StreamDefaults& defaults) {
  read_start(table, defaults.start);
  read_duration(table, "overlap", 1s, defaults.overlap);
  read_duration(table, "settle", 0s, defaults.settle);
  read_duration(table, "slice", 1s, defaults.slice);
  read_duration(table, "poll_every", 1ms, defaults.poll_every);
  Duration retention = Duration::zero();
  read_duration(table, "retention", 1h, retention);
  if (retention > Duration::zero()) defaults.retention = retention;
  read_reread(table, defaults.reread);
  if (const auto size = table.integer("page_size", 1, 1'000'000)) defaults.page_size = *size;
}

StreamSettings read_stream(std::optional<TomlTable> table, TomlTable& source, const StreamProfile& profile,
                           StreamDefaults defaults) {
  StreamSettings stream;
  stream.name = profile.name;
  stream.profile = profile;
  stream.query = profile.default_query;
  if (table) {
    read_stream_defaults(*table, defaults);
    read_overrides(*table, stream);
  }
  if (defaults.page_size) {
    if (*defaults.page_size > profile.max_page_size) {
      TomlTable& at = table && table->has("page_size") ? *table : source;
      at.error("page_size", std::to_string(*defaults.page_size) +
                                " is more than the profile's largest page " + "of stream \"" + profile.name +
                                "\": at most " + std::to_string(profile.max_page_size));
    }
    stream.profile.page_size = static_cast<std::uint32_t>(*defaults.page_size);
  }
  stream.start = defaults.start;
  stream.overlap = defaults.overlap;
  stream.settle = defaults.settle;
  stream.slice = defaults.slice;
  stream.poll_every = defaults.poll_every;
  stream.retention = defaults.retention;
  stream.reread = defaults.reread.value_or(profile.reread);
  return stream;
}

}  // namespace auditferry
