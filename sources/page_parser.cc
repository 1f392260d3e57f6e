#include "sources/page_parser.h"

#include <algorithm>
#include <map>
#include <optional>

#include "encoding/hash.h"
#include "encoding/json_canonical.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "sources/answer_text.h"
#include "sources/link_header.h"
#include "sources/record_time.h"

namespace auditferry {
namespace {

using Kind = PageProblem::Kind;

constexpr std::size_t most_keys_named = 12;
constexpr std::size_t longest_key_bytes = 40;

const char* type_name(JsonView value) {
  switch (value.type()) {
    case JsonType::null: return "null";
    case JsonType::boolean: return "true or false";
    case JsonType::number: return "a number";
    case JsonType::string: return "a string";
    case JsonType::array: return "an array";
    case JsonType::object: return "an object";
  }
  return "nothing";
}

// The whole answer with its members looked up once: each look-up in the text itself would walk over the
// array of records again.
class Answer {
 public:
  explicit Answer(JsonView whole) : whole_(whole) {
    for (const JsonView::Member& member : whole.members()) members_.push_back(member);
  }

  JsonView whole() const { return whole_; }

  // Like JsonView::at_pointer.
  std::optional<JsonView> at(std::string_view pointer) const {
    if (!whole_.is_object() || pointer.empty()) return whole_.at_pointer(pointer);
    const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
    const std::string key = decode_pointer_segment(pointer.substr(1, end - 1));
    for (const JsonView::Member& member : members_) {
      if (member.key_is(key)) return member.value.at_pointer(pointer.substr(end));
    }
    return std::nullopt;
  }

 private:
  JsonView whole_;
  std::vector<JsonView::Member> members_;
};

// "the answer has the keys a, b", or what it is when it is no object.
std::string describe(JsonView answer, const SecretMask& secrets) {
  if (!answer.is_object()) return std::string("the answer is ") + type_name(answer);
  std::string keys;
  std::size_t count = 0;
  for (const JsonView::Member& member : answer.members()) {
    if (++count > most_keys_named) return "the answer has the keys " + keys + " and more";
    keys += (keys.empty() ? "" : ", ") + secrets.quoted(member.key(), longest_key_bytes);
  }
  return count == 0 ? "the answer is an empty object" : "the answer has the keys " + keys;
}

// The one array among the members, which is probably what was meant.
std::string array_hint(JsonView answer, const SecretMask& secrets) {
  if (answer.is_array()) return " (\"\" would be the answer itself)";
  std::string only;
  for (const JsonView::Member& member : answer.members()) {
    if (!member.value.is_array()) continue;
    if (!only.empty()) return {};
    only = secrets.quoted(member.key(), longest_key_bytes);
  }
  return only.empty() ? std::string() : " (there is an array at /" + only + ")";
}

std::string setting(const StreamProfile& stream, const char* key) {
  return "profile setting streams." + stream.name + "." + key;
}

PageProblem not_json(const HttpResponse& response, const Error& error) {
  const std::size_t begin = response.body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (begin == std::string::npos) return {Kind::truncated, "nothing", ""};
  if (response.body[begin] == '<') {
    return {Kind::html,
            "an HTML page, which is a login or a proxy's page: check base_url and proxy", ""};
  }
  if (error.kind == ErrorKind::too_large) return {Kind::too_deep, error.message, ""};
  const bool cut = error.message.find("ends early") != std::string::npos;
  return {cut ? Kind::truncated : Kind::not_json, error.message, ""};
}

// False at the profile's `success` pointer, in any of the ways in which vendors write it.
bool says_failure(const Profile& profile, const Answer& answer) {
  if (profile.success.empty()) return false;
  const std::optional<JsonView> value = answer.at(profile.success);
  if (!value) return false;
  const std::string text = value->scalar_text();
  return text == "false" || text == "0";
}

// The ways in which vendors write "no next page".
bool is_nothing(JsonView value) {
  const std::string_view raw = value.raw();
  return value.is_null() || raw == "\"\"" || raw == "false" || raw == "[]" || raw == "{}";
}

class PageReader {
 public:
  PageReader(const Profile& profile, const StreamProfile& stream, const HttpResponse& response,
             std::uint64_t max_record_bytes, const SecretMask& secrets)
      : profile_(profile), stream_(stream), response_(response), max_record_bytes_(max_record_bytes), secrets_(secrets) {
    if (const auto date = response.header("Date")) now_ = parse_http_date(*date);
  }

  std::variant<Page, PageProblem> read(ScannedJson scanned) {
    repairs_ = std::move(scanned.repairs);
    auto storage = std::make_shared<const std::string>(std::move(scanned.text));
    page_.storage = storage;
    const Answer answer{JsonView(*storage)};
    if (says_failure(profile_, answer)) {
      return problem(Kind::success_false, "status 200 and says that the request failed (" + profile_.success + " is false)");
    }
    const std::optional<JsonView> records = answer.at(stream_.records);
    if (!records || !records->is_array()) return no_records(answer.whole(), records);
    for (const JsonView record : records->elements()) {
      if (!record.is_object()) {
        return problem(Kind::other_shape, "entry " + std::to_string(count_) + " of " +
                                              setting(stream_, "records") + " \"" + stream_.records +
                                              "\" is " + type_name(record) + ", not an object: change it");
      }
      add(record);
      ++count_;
    }
    if (times_ > 0 && wrong_times_ * 2 > times_) return wrong_unit();
    read_cursor(answer);
    return std::move(page_);
  }

 private:
  PageProblem problem(Kind kind, std::string message) const {
    std::string words;
    if (kind == Kind::success_false) words = error_text(profile_, response_, secrets_);
    if (kind == Kind::other_shape) words = words_of_error();
    return {kind, std::move(message), std::move(words)};
  }

  // Only what the profile's pointers lead to: the beginning of a body full of records is no error text.
  std::string words_of_error() const {
    const JsonView answer(*page_.storage);
    for (const std::string& pointer : profile_.error_text) {
      const std::optional<JsonView> found = answer.at_pointer(pointer);
      if (found && found->is_string()) return secrets_.quoted(found->scalar_text(), 500);
    }
    return {};
  }

  PageProblem no_records(JsonView answer, std::optional<JsonView> found) const {
    std::string message =
        describe(answer, secrets_) + "; " + setting(stream_, "records") + " says \"" + stream_.records + "\"";
    if (found) message += std::string(", where there is ") + type_name(*found) + ", not an array";
    return problem(Kind::other_shape, message + ": change it" + array_hint(answer, secrets_));
  }

  std::optional<JsonView> lookup(JsonView record, const std::string& pointer) {
    if (pointer.empty()) return std::nullopt;
    if (pointer.find('#') == std::string::npos) return record.at_pointer(pointer);
    const std::optional<std::string> found = json_lookup(record.raw(), pointer);
    if (!found) return std::nullopt;
    looked_up_ = *found;
    return JsonView(looked_up_);
  }

  void add(JsonView record) {
    PageRecord entry;
    entry.raw = record.raw();
    entry.repaired = take_repairs(entry.raw);
    read_time(record, entry);
    const bool oversized = entry.raw.size() > max_record_bytes_;
    const Sha256 content = sha256(canonicalizer_.canonical(entry.raw));
    read_id(record, entry);
    if (!entry.has_id) entry.id = hex(content);
    if (oversized) {
      page_.oversized.push_back({entry.time, entry.has_time, std::move(entry.id), entry.raw.size(), entry.raw});
      return;
    }
    std::copy_n(content.begin(), entry.content.size(), entry.content.begin());
    page_.repaired = page_.repaired || entry.repaired;
    page_.records.push_back(std::move(entry));
  }

  // Repairs and records both come in the order of the text.
  bool take_repairs(std::string_view raw) {
    const auto begin = static_cast<std::size_t>(raw.data() - page_.storage->data());
    while (next_repair_ < repairs_.size() && repairs_[next_repair_] < begin) ++next_repair_;
    return next_repair_ < repairs_.size() && repairs_[next_repair_] < begin + raw.size();
  }

  void read_id(JsonView record, PageRecord& entry) {
    const std::optional<JsonView> value = lookup(record, stream_.fields.id);
    if (value && (value->is_string() || value->is_number())) entry.id = value->scalar_text();
    entry.has_id = !entry.id.empty();
  }

  void read_time(JsonView record, PageRecord& entry) {
    const std::optional<JsonView> value = lookup(record, stream_.fields.time);
    const bool present = value && (value->is_number() || value->is_string());
    const std::optional<WallTime> time = present ? record_time(*value, stream_.time_unit) : std::nullopt;
    entry.has_time = time.has_value();
    if (time) entry.time = *time;
    if (!present) return;
    ++times_;
    if (time && is_plausible(*time, now_)) return;
    const std::optional<TimeUnit> fits = fitting_unit(*value, now_);
    // Text that is a time in no unit is only a record without a time.
    if (!time && !fits && value->is_string()) return;
    ++wrong_times_;
    if (fits) ++fitting_[*fits];
    if (wrong_example_.empty()) wrong_example_ = secrets_.quoted(value->raw(), longest_key_bytes);
  }

  PageProblem wrong_unit() const {
    std::string message = "most times of this page cannot be right: " + setting(stream_, "time_unit") +
                          " says \"" + to_string(stream_.time_unit) + "\", and " + stream_.fields.time +
                          " is for example " + wrong_example_ + "; ";
    const auto best = std::max_element(fitting_.begin(), fitting_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best != fitting_.end()) {
      message += "time_unit = \"" + std::string(to_string(best->first)) + "\" would fit";
    } else {
      message += "no time_unit fits, so " + setting(stream_, "fields.time") + " is probably another field";
    }
    return problem(Kind::other_shape, std::move(message));
  }

  void read_cursor(const Answer& answer) {
    if (stream_.paging == PagingKind::link && stream_.cursor.empty()) {
      page_.cursor = next_link(response_);
    } else if (stream_.paging == PagingKind::link || stream_.paging == PagingKind::cursor) {
      const std::optional<JsonView> value = answer.at(stream_.cursor);
      if (!value || is_nothing(*value)) return;
      page_.cursor = stream_.paging == PagingKind::link ? value->scalar_text() : std::string(value->raw());
    }
    if (page_.cursor && page_.cursor->empty()) page_.cursor.reset();
  }

  const Profile& profile_;
  const StreamProfile& stream_;
  const HttpResponse& response_;
  std::uint64_t max_record_bytes_;
  const SecretMask& secrets_;
  std::optional<WallTime> now_;  // the answer's Date
  Page page_;
  std::size_t count_ = 0;
  std::vector<std::size_t> repairs_;
  std::size_t next_repair_ = 0;
  std::string looked_up_;  // the value that lookup() gave last, when it is not in the page
  JsonCanonicalizer canonicalizer_;
  std::size_t times_ = 0;  // values that should be times
  std::size_t wrong_times_ = 0;
  std::map<TimeUnit, std::size_t> fitting_;  // how many of the wrong ones each unit would fit
  std::string wrong_example_;
};

}  // namespace

const char* to_string(PageProblem::Kind kind) {
  switch (kind) {
    case Kind::not_json: return "not_json";
    case Kind::truncated: return "truncated";
    case Kind::other_shape: return "other_shape";
    case Kind::success_false: return "success_false";
    case Kind::html: return "html";
    case Kind::too_deep: return "too_deep";
  }
  return "unknown";
}

std::variant<Page, PageProblem> parse_page(const Profile& profile, const StreamProfile& stream,
                                           const HttpResponse& response, std::uint64_t max_record_bytes,
                                           const SecretMask& secrets) {
  Result<ScannedJson> scanned = scan_json(response.body);
  if (!scanned) return not_json(response, scanned.error());
  return PageReader(profile, stream, response, max_record_bytes, secrets).read(std::move(*scanned));
}

}  // namespace auditferry
