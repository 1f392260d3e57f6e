// How a walk is kept between pages: one JSON object, written with every page. What is not in it (which
// records were seen) only makes a resumed walk ask once more than needed.

#include <algorithm>

#include "core/check.h"
#include "encoding/json_object.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "sources/walk.h"

namespace auditferry {
namespace {

std::string json_times(const std::vector<TimeRange>& ranges) {
  std::string text = "[";
  for (const TimeRange& range : ranges) {
    if (text.size() > 1) text += ',';
    text += "[" + std::to_string(to_micros(range.from)) + "," + std::to_string(to_micros(range.to)) + "]";
  }
  return text + "]";
}

std::string json_numbers(const std::deque<std::uint64_t>& numbers) {
  std::string text = "[";
  for (const std::uint64_t number : numbers) {
    if (text.size() > 1) text += ',';
    text += std::to_string(static_cast<std::int64_t>(number));
  }
  return text + "]";
}

void put_time(JsonObject& object, std::string_view key, const std::optional<WallTime>& time) {
  if (time) object.value(key, std::to_string(to_micros(*time)));
}

// Reads the members of a state; what is missing or of another type makes the state unusable.
class StateReader {
 public:
  explicit StateReader(std::string_view text) : view_(text) {}

  std::int64_t integer(std::string_view key) {
    const auto value = view_.find(key);
    const auto number = value ? value->as_int64() : std::nullopt;
    if (!number) good_ = false;
    return number.value_or(0);
  }
  bool flag(std::string_view key) {
    const auto value = view_.find(key);
    const auto flag = value ? value->as_bool() : std::nullopt;
    if (!flag) good_ = false;
    return flag.value_or(false);
  }
  // False where the key is missing.
  bool marked(std::string_view key) {
    const auto value = view_.find(key);
    return value && value->as_bool().value_or(false);
  }
  std::optional<WallTime> time(std::string_view key) {
    const auto value = view_.find(key);
    const auto number = value ? value->as_int64() : std::nullopt;
    return number ? std::optional(from_micros(*number)) : std::nullopt;
  }
  std::optional<std::string> text(std::string_view key) {
    const auto value = view_.find(key);
    return value ? value->as_string() : std::nullopt;
  }
  std::vector<TimeRange> ranges(std::string_view key) {
    std::vector<TimeRange> ranges;
    const auto value = view_.find(key);
    if (!value || !value->is_array()) {
      good_ = false;
      return ranges;
    }
    for (const JsonView pair : value->elements()) {
      const auto from = pair.at_pointer("/0");
      const auto to = pair.at_pointer("/1");
      const auto from_number = from ? from->as_int64() : std::nullopt;
      const auto to_number = to ? to->as_int64() : std::nullopt;
      if (!from_number || !to_number) {
        good_ = false;
        return ranges;
      }
      ranges.push_back({from_micros(*from_number), from_micros(*to_number)});
    }
    return ranges;
  }
  // None where the key is missing.
  std::deque<std::uint64_t> numbers(std::string_view key) {
    std::deque<std::uint64_t> numbers;
    const auto value = view_.find(key);
    if (!value || !value->is_array()) return numbers;
    for (const JsonView element : value->elements()) {
      if (const auto number = element.as_int64()) numbers.push_back(static_cast<std::uint64_t>(*number));
    }
    return numbers;
  }
  bool good() const { return good_; }

 private:
  JsonView view_;
  bool good_ = true;
};

}  // namespace

std::string NewestFirstWalk::state() const {
  JsonObject object;
  object.number("version", 1).value("todo", json_times(todo_)).value("covered", json_times(covered_));
  object.value("piece_gaps", json_times(piece_gaps_)).value("upper", std::to_string(to_micros(upper_)));
  object.boolean("confirming", confirming_).boolean("brought_new", brought_new_).boolean("through_cursor", through_cursor_);
  if (cursor_) object.text("cursor", *cursor_);
  if (!equal_.empty()) object.boolean("without_ids", true);
  object.number("page_size", page_size_).number("pages", pages_);
  if (too_large_ > 0) object.number("too_large", too_large_);
  if (small_for_ > 0) object.number("small_for", small_for_);
  object.value("window", json_times({window_}));
  put_time(object, "oldest_inside", oldest_inside_);
  put_time(object, "newest_inside", newest_inside_);
  put_time(object, "newest_so_far", newest_so_far_);
  put_time(object, "latest", latest_);
  object.number("last_count", last_count_);
  put_time(object, "last_newest", last_newest_);
  put_time(object, "last_oldest", last_oldest_);
  put_time(object, "ceiling", ceiling());
  object.number("recent", recent_.noted());
  object.value("largest_rise", std::to_string(largest_rise_.count()));
  object.number("cut_at", cut_at_).number("largest_page", largest_page_).number("records", records_);
  object.boolean("disorder", disorder_).boolean("ignores_start", ignores_start_);
  if (!above_.empty()) object.value("above", json_numbers(above_));
  if (search_) {
    put_time(object, "search_top", search_->top);
    put_time(object, "search_unreadable", search_->unreadable);
    put_time(object, "search_readable", search_->readable);
    object.boolean("search_deciding", search_->deciding).text("search_why", search_->why);
  }
  return object.finish();
}

Result<NewestFirstWalk> NewestFirstWalk::resume(const WalkRules& rules, std::string_view state) {
  const Error unusable{ErrorKind::corrupt, "a walk's stored state cannot be read; its window is walked again from the beginning"};
  Result<ScannedJson> scanned = scan_json(state);
  if (!scanned) return unusable;
  StateReader reader(scanned->text);
  NewestFirstWalk walk(rules);
  if (reader.integer("version") != 1) return unusable;
  walk.todo_ = reader.ranges("todo");
  walk.covered_ = reader.ranges("covered");
  walk.piece_gaps_ = reader.ranges("piece_gaps");
  const std::vector<TimeRange> window = reader.ranges("window");
  if (window.size() != 1) return unusable;
  walk.window_ = window.front();
  walk.oldest_inside_ = reader.time("oldest_inside");
  walk.newest_inside_ = reader.time("newest_inside");
  const auto upper = reader.time("upper");
  walk.confirming_ = reader.flag("confirming");
  walk.brought_new_ = reader.flag("brought_new");
  walk.through_cursor_ = reader.flag("through_cursor");
  walk.cursor_ = reader.text("cursor");
  walk.page_size_ = static_cast<std::uint32_t>(reader.integer("page_size"));
  // Kept as a time is: it may be missing.
  if (const auto too_large = reader.time("too_large")) walk.too_large_ = static_cast<std::uint32_t>(to_micros(*too_large));
  if (const auto small_for = reader.time("small_for")) walk.small_for_ = static_cast<std::uint32_t>(to_micros(*small_for));
  walk.pages_ = static_cast<std::uint32_t>(reader.integer("pages"));
  walk.newest_so_far_ = reader.time("newest_so_far");
  walk.latest_ = reader.time("latest");
  walk.last_count_ = static_cast<std::size_t>(reader.integer("last_count"));
  walk.last_newest_ = reader.time("last_newest");
  walk.last_oldest_ = reader.time("last_oldest");
  // An older version has not kept how many records the ceiling is of: one, then.
  const auto recent = reader.time("recent");
  const std::int64_t noted = recent ? std::clamp<std::int64_t>(to_micros(*recent), 1, std::max<std::uint32_t>(1, rules.page_size)) : 1;
  const auto ceiling = reader.time("ceiling");
  for (std::int64_t i = 0; ceiling && i < noted; ++i) walk.recent_.note(*ceiling, 1);
  // A walk that an older version began has not looked for rises: it counts as one in order so far.
  const auto rise = reader.time("largest_rise");
  if (rise) walk.largest_rise_ = rise->time_since_epoch();
  if (const auto cut_at = reader.time("cut_at")) walk.cut_at_ = static_cast<std::size_t>(to_micros(*cut_at));
  walk.largest_page_ = static_cast<std::size_t>(reader.integer("largest_page"));
  walk.records_ = static_cast<std::uint64_t>(reader.integer("records"));
  walk.disorder_ = reader.flag("disorder");
  walk.ignores_start_ = reader.flag("ignores_start");
  walk.above_ = reader.numbers("above");
  if (const auto top = reader.time("search_top")) {
    walk.search_ = Search{*top, reader.time("search_unreadable").value_or(*top), reader.time("search_readable"), reader.flag("search_deciding"),
                          reader.text("search_why").value_or("")};
  }
  if (!reader.good() || !upper || walk.page_size_ == 0) return unusable;
  walk.upper_ = *upper;
  walk.attempt_ = 1;
  const bool numbered = !rules.has_ids || reader.marked("without_ids");
  if (!walk.done() && walk.through_cursor_ && (walk.counted() || numbered)) walk.attempt_again();
  return walk;
}

}  // namespace auditferry
