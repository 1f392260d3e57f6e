#pragma once
// What the readers of the configuration's parts share. For config_file.cc, its parts and their tests.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/config_file.h"

namespace auditferry {

struct ConfigContext {
  const ConfigHooks& hooks;
  SecretPlaces places;
  TomlProblems& problems;
  Settings settings;

  // Where [sources.NAME] and [exporters.NAME] were defined, over all files.
  std::map<std::string, TomlPosition> source_tables;
  std::map<std::string, TomlPosition> exporter_tables;
  // The names of the sources that one table makes: one, or one for each of its tenants.
  std::map<std::string, std::vector<std::string>> sources_of_table;
  std::vector<std::string> known_streams;  // of all profiles in use
  bool streams_complete = true;            // false: a profile could not be read, so there may be more
  // (what, who): places that only one source or exporter may have.
  std::map<std::string, std::pair<std::string, TomlPosition>> taken;
};

// Whether `name` may be the name of a source, exporter or tenant: it becomes part of paths, labels and ids.
bool good_name(std::string_view name);
// Reports an unusable name, and a name that another file has defined already; false then.
bool claim_table(TomlTable& tables, const std::string& name, const char* what,
                 std::map<std::string, TomlPosition>& defined);

// [daemon], [admin], [journal].
void read_program(ConfigContext& context, TomlTable& root);
// Every [sources.NAME].
void read_sources(ConfigContext& context, TomlTable& root);
// Every [exporters.NAME]; after the sources of all files, which `select` is checked against.
void read_exporters(ConfigContext& context, TomlTable& root);

// Every [[exporters.NAME.select.where]] of the table [exporters.NAME.select].
std::vector<SelectCondition> read_conditions(TomlTable& select);
// Every [[exporters.NAME.redact]], and redact_key.
RedactSettings read_redaction(TomlTable& exporter, const SecretPlaces& places);

// What stands in one stream's table or, as the default of all its streams, in the source's.
struct StreamDefaults {
  StartSetting start;
  Duration overlap = StreamSettings().overlap;
  Duration settle = StreamSettings().settle;
  Duration slice = StreamSettings().slice;
  Duration poll_every = StreamSettings().poll_every;
  std::optional<Duration> retention;
  std::optional<std::vector<Duration>> reread;
  std::optional<std::int64_t> page_size;
};
void read_stream_defaults(TomlTable& table, StreamDefaults& defaults);
// One stream of a source: `table` is its own [sources.NAME.stream.STREAM], if there is one.
StreamSettings read_stream(std::optional<TomlTable> table, TomlTable& source, const StreamProfile& profile,
                           StreamDefaults defaults);

// A duration of at least `min`; the target stays when the key is absent or wrong.
void read_duration(TomlTable& table, std::string_view key, Duration min, Duration& target);
// [NAME.key] with a string for every key of the user's own choice.
std::map<std::string, std::string> read_string_map(TomlTable& table, std::string_view key);

}  // namespace auditferry
