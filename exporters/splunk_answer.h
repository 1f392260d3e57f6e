#pragma once
// What Splunk's HTTP Event Collector says. Codes: Splunk documentation, "Troubleshoot HTTP Event
// Collector", and for 23 to 27 what several reimplementations agree on.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/http_client.h"
#include "core/result.h"

namespace auditferry {

struct SplunkAnswer {
  bool json = false;  // the body is a JSON object
  std::optional<std::int64_t> code;
  std::string text;
  std::optional<std::uint64_t> ack_id;
  // The index of the event at which reading stopped; those before it were taken.
  std::optional<std::uint64_t> invalid_event;
};

// Safe on any bytes.
SplunkAnswer parse_splunk_answer(std::string_view body);

enum class SplunkMeaning {
  taken,
  taken_slow_down,  // its queues are nearly full
  retry,
  pause,
  refused,       // the whole batch
  bad_event,     // one event, named or not
  ack_disabled,  // the token knows no acknowledgement
  channel_wanted,  // the token wants it
  strange,       // a good status without what a collector says
};

struct SplunkVerdict {
  SplunkMeaning meaning = SplunkMeaning::strange;
  const char* advice = "";  // for the operator, "" when the common words for the status do
};

SplunkVerdict judge_splunk_answer(const HttpResponse& answer, const SplunkAnswer& parsed);

// The ids that are confirmed, of the answer to a poll ({"acks":{"0":true,"1":false}}); nothing when it is
// no such answer.
std::optional<std::set<std::uint64_t>> parse_splunk_acks(std::string_view body);

}  // namespace auditferry
