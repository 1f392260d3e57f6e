#include "exporters/splunk_answer.h"

#include <charconv>

#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "exporters/http_sink.h"

namespace auditferry {
namespace {

std::optional<std::uint64_t> whole_number(const std::optional<JsonView>& value) {
  if (!value) return std::nullopt;
  // Some versions write numbers as strings.
  const std::string text = value->is_number() || value->is_string() ? value->scalar_text() : "";
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

struct CodeMeaning {
  std::int64_t code;
  SplunkMeaning meaning;
  const char* advice;
};

constexpr CodeMeaning codes[] = {
    {0, SplunkMeaning::taken, ""},
    {1, SplunkMeaning::pause, "the token is disabled: enable it in Splunk's HTTP Event Collector settings"},
    {2, SplunkMeaning::pause, "no token arrived: check token, and what stands between"},
    {3, SplunkMeaning::pause, "the authorization header arrived changed: check what stands between"},
    {4, SplunkMeaning::pause, "the token is not known: check token"},
    {5, SplunkMeaning::pause, "the body was lost on the way: check what stands between"},
    {6, SplunkMeaning::bad_event, ""},
    {7, SplunkMeaning::pause, "correct index, or allow the token that index"},
    {8, SplunkMeaning::retry, ""},
    {9, SplunkMeaning::retry, ""},
    {10, SplunkMeaning::channel_wanted, "this token wants indexer acknowledgement: set ack = true"},
    {11, SplunkMeaning::channel_wanted, "this token wants indexer acknowledgement: set ack = true"},
    {12, SplunkMeaning::bad_event, ""},
    {13, SplunkMeaning::bad_event, ""},
    {14, SplunkMeaning::ack_disabled, ""},
    {15, SplunkMeaning::bad_event, ""},
    {16, SplunkMeaning::pause, "the token arrived in the query: check what stands between"},
    {18, SplunkMeaning::retry, ""},
    {19, SplunkMeaning::retry, ""},
    {20, SplunkMeaning::retry, ""},
    {21, SplunkMeaning::pause, "the token is not known: check token"},
    {22, SplunkMeaning::pause, "the token is disabled: enable it in Splunk's HTTP Event Collector settings"},
    {23, SplunkMeaning::retry, ""},
    {24, SplunkMeaning::taken_slow_down, ""},
    {25, SplunkMeaning::taken_slow_down, ""},
    {26, SplunkMeaning::retry, ""},
    {27, SplunkMeaning::retry, ""},
};

SplunkMeaning meaning_of_status(int status) {
  switch (HttpSink::verdict_of(status)) {
    case Verdict::retry:
      return SplunkMeaning::retry;
    case Verdict::refused:
      return SplunkMeaning::refused;
    case Verdict::pause:
      return SplunkMeaning::pause;
    default:
      return SplunkMeaning::strange;
  }
}

}  // namespace

SplunkAnswer parse_splunk_answer(std::string_view body) {
  SplunkAnswer answer;
  const Result<ScannedJson> scanned = scan_json(body, 32);
  if (!scanned.ok()) return answer;
  const JsonView view(scanned->text);
  answer.json = view.is_object();
  if (const auto code = view.find("code")) answer.code = code->as_int64();
  if (const auto text = view.find("text")) answer.text = text->scalar_text();
  answer.ack_id = whole_number(view.find("ackId"));
  answer.invalid_event = whole_number(view.find("invalid-event-number"));
  return answer;
}

SplunkVerdict judge_splunk_answer(const HttpResponse& answer, const SplunkAnswer& parsed) {
  const SplunkMeaning by_status = meaning_of_status(answer.status);
  // Also code 27 is said to mean that in some versions.
  if (answer.status == 413 || !parsed.code) return {by_status, ""};
  for (const CodeMeaning& known : codes) {
    if (known.code != *parsed.code) continue;
    const bool taken =
        known.meaning == SplunkMeaning::taken || known.meaning == SplunkMeaning::taken_slow_down;
    if (taken && by_status != SplunkMeaning::strange) break;  // "Success" under a status of failure
    return {known.meaning, known.advice};
  }
  return {by_status, ""};
}

std::optional<std::set<std::uint64_t>> parse_splunk_acks(std::string_view body) {
  const Result<ScannedJson> scanned = scan_json(body, 32);
  if (!scanned.ok()) return std::nullopt;
  const auto acks = JsonView(scanned->text).find("acks");
  if (!acks || !acks->is_object()) return std::nullopt;
  std::set<std::uint64_t> confirmed;
  for (const JsonView::Member& member : acks->members()) {
    const std::string key = member.key();
    std::uint64_t id = 0;
    const auto read = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool good = read.ec == std::errc() && read.ptr == key.data() + key.size();
    if (good && member.value.as_bool().value_or(false)) confirmed.insert(id);
  }
  return confirmed;
}

}  // namespace auditferry
