#pragma once
// What the fuzzers of everything that comes in from outside do with arbitrary bytes, and what must hold whatever
// they are: configuration, profiles, pages, header values, and rows of the journal as they are read back. The
// same is replayed by tests/outside_replay_test.cc without a fuzzer.

#include <string>
#include <string_view>

#include "config/config_file.h"
#include "core/check.h"
#include "daemon/answer.h"
#include "daemon/poller_notes.h"
#include "encoding/compress.h"
#include "encoding/json_scanner.h"
#include "encoding/retry_after.h"
#include "encoding/time_format.h"
#include "exporters/catalog.h"
#include "sources/follow.h"
#include "sources/link_header.h"
#include "sources/page_parser.h"
#include "sources/profile.h"
#include "sources/request_builder.h"
#include "sources/walk.h"
#include "storage/payload_codec.h"
#include "storage/range_text.h"

namespace auditferry::fixture {

// Every line of an error for the operator names a place and says something.
inline void check_problems(const Error& error) {
  AUDITFERRY_CHECK(!error.message.empty());
  for (std::size_t at = 0; at < error.message.size();) {
    const std::size_t end = std::min(error.message.find('\n', at), error.message.size());
    const std::string_view line = std::string_view(error.message).substr(at, end - at);
    AUDITFERRY_CHECK(line.find(": ") != std::string_view::npos);
    for (const char c : line) AUDITFERRY_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    at = end + 1;
  }
}

inline void check_config(std::string_view bytes) {
  ConfigHooks hooks;
  hooks.load_profile = [](const std::string& name, const std::string&) { return builtin_profile(name); };
  hooks.read_exporter = read_exporter;
  hooks.exporter_types = exporter_types();
  hooks.formats = format_names();
  hooks.environment = [](const std::string&) { return std::optional<std::string>("value"); };
  hooks.resolve_secrets = false;
  // What it includes would be files of this machine.
  if (bytes.find("include") != std::string_view::npos) return;
  const Result<Settings> settings = parse_config(bytes, "f", "/nonexistent", hooks);
  if (!settings.ok()) return check_problems(settings.error());
  for (const ExporterSettings& exporter : settings->exporters) {
    AUDITFERRY_CHECK(!exporter.name.empty() && exporter.batch.records > 0 && exporter.concurrency > 0);
  }
}

inline void check_page(const Profile& profile, const StreamProfile& stream, std::string_view body) {
  HttpResponse response{200, {}, std::string(body)};
  const auto parsed = parse_page(profile, stream, response, 1u << 20, SecretMask());
  if (const auto* problem = std::get_if<PageProblem>(&parsed)) {
    AUDITFERRY_CHECK(!problem->message.empty());
    return;
  }
  for (const PageRecord& record : std::get<Page>(parsed).records) {
    AUDITFERRY_CHECK(!record.id.empty());
    const auto scanned = scan_json(record.raw);
    AUDITFERRY_CHECK(scanned.ok() && scanned->repairs.empty() && scanned->text == record.raw);
  }
}

// The first byte says whose page it is.
inline void check_page(std::string_view bytes) {
  static const char* const vendors[] = {"apptego", "okta", "github"};
  const unsigned kind = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]);
  static const Profile profiles[] = {*builtin_profile(vendors[0]), *builtin_profile(vendors[1]), *builtin_profile(vendors[2])};
  const Profile& profile = profiles[kind % 3];
  check_page(profile, profile.streams.begin()->second, bytes.substr(bytes.empty() ? 0 : 1));
}

// A profile that is accepted can be used: its requests can be built, or not, in words.
inline void check_profile(std::string_view bytes) {
  const Result<Profile> profile = load_profile(bytes, "p.toml");
  if (!profile.ok()) return check_problems(profile.error());
  AUDITFERRY_CHECK(!profile->streams.empty());
  for (const auto& [name, stream] : profile->streams) {
    AUDITFERRY_CHECK(unit_step(stream.time_unit) > Duration::zero() && stream.page_size > 0);
    check_page(*profile, stream, R"({"logs":[{"event":1,"creation_time":1700000000}],"cursor":"x"})");
    check_page(*profile, stream, "[]");
  }
}

inline void check_header(std::string_view bytes) {
  const std::string value(bytes);
  const WallTime now = from_micros(1'763'892'000'000'000);
  const HttpResponse response{429, {{"Retry-After", value}, {"Link", value}, {"Date", value}}, ""};
  if (const auto wait = retry_after(response, now)) AUDITFERRY_CHECK(*wait > Duration::zero());
  if (const auto link = next_link(response)) AUDITFERRY_CHECK(bytes.find(*link) != std::string_view::npos);
  for (const RateReset reset : {RateReset::epoch, RateReset::delta}) {
    RateLimitProfile limits;
    limits.reset = reset;
    const HttpResponse limited{200, {{limits.remaining_header, "3"}, {limits.reset_header, value}}, ""};
    if (const auto hint = rate_hint(limits, limited, now)) AUDITFERRY_CHECK(hint->until_reset > Duration::zero());
  }
}

inline void check_payload(std::string_view stored) {
  const Result<DecodedPayload> decoded = decode_payload(stored);
  if (!decoded.ok()) return;
  for (const Record& record : decoded->records) {
    const char* const begin = decoded->text->data();
    const char* const end = begin + decoded->text->size();
    AUDITFERRY_CHECK(record.raw.empty() || (record.raw.data() >= begin && record.raw.data() + record.raw.size() <= end));
    AUDITFERRY_CHECK(record.id.empty() || (record.id.data() >= begin && record.id.data() + record.id.size() <= end));
  }
  if (decoded->records.empty()) return;
  const Record& first = decoded->records.front();
  const Result<DecodedPayload> again = decode_payload(encode_payload(first.source, first.received, decoded->records));
  AUDITFERRY_CHECK(again.ok() && again->records.size() == decoded->records.size());
  for (std::size_t i = 0; i < again->records.size(); ++i) {
    AUDITFERRY_CHECK(again->records[i].id == decoded->records[i].id && again->records[i].raw == decoded->records[i].raw);
    AUDITFERRY_CHECK(again->records[i].revision == decoded->records[i].revision && again->records[i].gap == decoded->records[i].gap);
  }
}

// A damaged row is told apart or taken for what it says; it never brings the reader down.
inline void check_rows(std::string_view bytes) {
  check_payload(bytes);
  check_payload(zstd_compress(std::string(bytes), 1));
  const WalkRules rules;
  if (Result<NewestFirstWalk> walk = NewestFirstWalk::resume(rules, bytes); walk.ok() && !walk->done()) (void)walk->next_request();
  if (Result<OldestFirstFollow> follow = OldestFirstFollow::resume(rules, bytes, true); follow.ok()) (void)follow->next_request();
  if (const auto ranges = decode_ranges(bytes); ranges.ok()) {
    AUDITFERRY_CHECK(decode_ranges(encode_ranges(*ranges)).value() == *ranges);
  }
  // What is read is written the same way.
  const std::string notes = PollerNotes::from_text(bytes).to_text();
  AUDITFERRY_CHECK(PollerNotes::from_text(notes).to_text() == notes);
}

}  // namespace auditferry::fixture
