#pragma once
// Typed reading of TOML files with strict errors. A reader asks a table for the keys it knows; whatever
// was never asked for is unknown, and the keys that were asked for are what a typing error is compared
// with. Every error carries file, line, column and the full key path and goes to a TomlProblems.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/toml_problems.h"
#include "core/time.h"

namespace auditferry {

enum class TomlKind { none, string, integer, floating, boolean, time, array, table };

// A handle on one table of a document; cheap to copy, keeps the document alive. Getters give nothing when
// the key is absent or its value is wrong; the latter has then been reported. One thread at a time.
class TomlTable {
 public:
  const std::string& path() const;
  TomlPosition position() const;
  // Of the key as written; of the table when the key is absent.
  TomlPosition position(std::string_view key) const;
  // Keys in the order of the file. Listing and has() do not count as asking.
  std::vector<std::string> keys() const;
  bool has(std::string_view key) const;
  // The kind of a value; counts as asking.
  TomlKind kind(std::string_view key);
  // Makes a key known without reading it.
  void knows(std::string_view key);

  std::optional<std::string> string(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  std::optional<double> number(std::string_view key, double min, double max);
  std::optional<bool> boolean(std::string_view key);
  // "250ms 30s 10m 24h 7d"; a plain number is refused with the right form.
  std::optional<Duration> duration(std::string_view key);
  // "64KiB 8GiB"; a plain number is refused with the right form.
  std::optional<std::uint64_t> size(std::string_view key);
  // A TOML offset date-time, or a string in RFC 3339.
  std::optional<WallTime> time(std::string_view key);
  std::optional<std::vector<std::string>> strings(std::string_view key);
  std::optional<std::vector<Duration>> durations(std::string_view key);
  std::optional<TomlTable> table(std::string_view key);
  // An array of tables ([[exporters.siem.redact]]); empty when absent.
  std::vector<TomlTable> tables(std::string_view key);
  // Any value as JSON text; date-times are refused.
  std::optional<std::string> json(std::string_view key);

  // One of a few words.
  template <class Value>
  std::optional<Value> choice(std::string_view key,
                              std::initializer_list<std::pair<const char*, Value>> choices) {
    std::vector<std::string> names;
    for (const auto& entry : choices) names.emplace_back(entry.first);
    const std::optional<std::size_t> index = choice_index(key, names);
    if (!index) return std::nullopt;
    return (choices.begin() + *index)->second;
  }

  // Like string() and table(), but absence is an error; the string is then empty.
  std::string required_string(std::string_view key);
  std::optional<TomlTable> required_table(std::string_view key);

  // Reports a problem at a key (at the table when the key is absent), or at the table itself.
  void error(std::string_view key, std::string message);
  void error(std::string message);

 private:
  friend class TomlDocument;
  struct State;
  TomlTable(std::shared_ptr<State> state, std::size_t index) : state_(std::move(state)), index_(index) {}
  std::optional<std::size_t> choice_index(std::string_view key, const std::vector<std::string>& names);

  std::shared_ptr<State> state_;
  std::size_t index_;  // of the table in State
};

class TomlDocument {
 public:
  // Nothing after a syntax error (the first one stops the parser), which is then in `problems`.
  // `problems` outlives the document and its tables.
  static std::optional<TomlDocument> parse(std::string_view text, std::string_view file_name,
                                           TomlProblems& problems);

  TomlTable root() const;
  // Reports every key of every table handed out that nobody asked for. Call it once, after reading.
  void report_unknown_keys() const;
  // The full paths of all keys that were asked for so far, present or not, sorted: what the readers know.
  std::vector<std::string> asked_keys() const;

 private:
  explicit TomlDocument(std::shared_ptr<TomlTable::State> state) : state_(std::move(state)) {}
  std::shared_ptr<TomlTable::State> state_;
};

}  // namespace auditferry
