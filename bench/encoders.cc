// Each format's encoder alone, and each protocol's, in bytes of the records that go in per second (Google Benchmark;
// --benchmark_filter=NAME for one).

#include <benchmark/benchmark.h>

#include <deque>
#include <string>
#include <vector>

#include "exporters/catalog.h"
#include "exporters/elastic_bulk.h"
#include "exporters/otlp_logs.h"
#include "exporters/relp_frame.h"
#include "exporters/splunk_event.h"
#include "exporters/syslog_message.h"
#include "exporters/syslog_severity.h"
#include "sources/profile.h"

namespace auditferry {
namespace {

constexpr int record_count = 1000;

const ProfileBook& profiles() {
  static const ProfileBook book = [] {
    ProfileBook all;
    for (const std::string& name : builtin_profile_names()) all.add(builtin_profile(name).value());
    return all;
  }();
  return book;
}

// Records of 600 bytes, and what format "json" makes of them.
class Records {
 public:
  Records() {
    ExporterSettings settings;
    settings.format = "json";
    const auto json = make_format(settings, profiles());
    for (int i = 0; i < record_count; ++i) {
      Record record;
      record.seq = static_cast<std::uint64_t>(i) + 1;
      record.source = "acme";
      record.vendor = "apptego";
      record.tenant = "9f1c0a4e7b8d4a4db52e6a6d5c5c1f11";
      record.stream = "audit";
      record.id = keep(std::to_string(80000 + i));
      record.time = from_micros(1763893512'000000 + i);
      record.received = record.time + std::chrono::seconds(2);
      std::string raw = "{\"event\":" + std::string(record.id) +
                        ",\"user_id\":\"admin@example.com\",\"api_call\":\"config_update\",\"creation_time\":1763893512,\"successful\":true,"
                        "\"raw_data\":\"{\\\"version\\\":\\\"staging\\\",\\\"ip\\\":\\\"192.0.2.7\\\",\\\"note\\\":\\\"";
      while (raw.size() < 594) raw += "configuration "[raw.size() % 14];
      record.raw = keep(raw + "\\\"}\"}");
      bytes_ += record.raw.size();
      all.push_back(record);
    }
    for (const Record& record : all) {
      std::string line;
      json->append(record, line);
      outgoing.push_back({&record, keep(line)});
    }
  }
  std::uint64_t bytes() const { return bytes_; }
  std::deque<Record> all;
  std::vector<OutgoingRecord> outgoing;

 private:
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  std::deque<std::string> kept_;
  std::uint64_t bytes_ = 0;
};

const Records& records() {
  static const Records made;
  return made;
}

template <class Encode>
void measure(benchmark::State& state, Encode encode) {
  std::string out;
  for (auto one : state) {
    out.clear();
    encode(out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(records().bytes()));
}

void format(benchmark::State& state, const char* name) {
  ExporterSettings settings;
  settings.format = name;
  const auto made = make_format(settings, profiles());
  measure(state, [&](std::string& out) {
    for (const Record& record : records().all) made->append(record, out);
  });
}

void rfc5424(benchmark::State& state) {
  SyslogSettings settings;
  settings.hostname = "ferry.example";
  const SyslogEncoder encoder(settings, syslog_severity_of(settings.severities, &profiles()));
  measure(state, [&](std::string& out) {
    std::size_t needed = 0;
    for (const OutgoingRecord& record : records().outgoing) encoder.append(record, out, needed);
  });
}

void relp(benchmark::State& state) {
  measure(state, [](std::string& out) {
    std::uint32_t number = 0;
    for (const OutgoingRecord& record : records().outgoing) append_relp_frame(++number, "syslog", record.bytes, out);
  });
}

void hec(benchmark::State& state) {
  SplunkSettings settings;
  settings.source = TextTemplate::parse("{source}").value();
  settings.sourcetype = TextTemplate::parse("{vendor}:{stream}").value();
  measure(state, [&](std::string& out) { out = splunk_body(settings, records().outgoing); });
}

void bulk(benchmark::State& state) {
  const TextTemplate index = TextTemplate::parse("audit-{tenant}").value();
  measure(state, [&](std::string& out) {
    for (const OutgoingRecord& record : records().outgoing) append_create(record, index, out);
  });
}

void otlp(benchmark::State& state, OtlpEncoding encoding) {
  measure(state, [&](std::string& out) { out = encode_otlp(encoding, records().outgoing); });
}

BENCHMARK_CAPTURE(format, json, "json");
BENCHMARK_CAPTURE(format, raw, "raw");
BENCHMARK_CAPTURE(format, ecs, "ecs");
BENCHMARK_CAPTURE(format, ocsf, "ocsf");
BENCHMARK_CAPTURE(format, cef, "cef");
BENCHMARK_CAPTURE(format, leef, "leef");
BENCHMARK(rfc5424);
BENCHMARK(relp);
BENCHMARK(hec);
BENCHMARK(bulk);
BENCHMARK_CAPTURE(otlp, protobuf, OtlpEncoding::protobuf);
BENCHMARK_CAPTURE(otlp, json, OtlpEncoding::json);

}  // namespace
}  // namespace auditferry

BENCHMARK_MAIN();
