#pragma once
// Records as OTLP log records, and what a receiver answers (OpenTelemetry protocol 1.x, logs; field numbers
// from opentelemetry-proto, collector/logs/v1 and logs/v1). Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/exporter.h"
#include "core/http_client.h"

namespace auditferry {

enum class OtlpEncoding { protobuf, json };

const char* content_type(OtlpEncoding encoding);

// An ExportLogsServiceRequest. Records of one source and tenant share a resource, in their order.
std::string encode_otlp(OtlpEncoding encoding, const std::vector<OutgoingRecord>& records);

// An ExportLogsServiceResponse.
struct OtlpAnswer {
  std::int64_t rejected = 0;  // log records, for good
  std::string message;
};

// Nothing when it is none. An empty body is one, and means that everything was taken. The answer's
// Content-Type says how to read it; where there is none, it is read as we have written.
std::optional<OtlpAnswer> parse_otlp_answer(const HttpResponse& answer, OtlpEncoding asked_in);

// The words of a refusal (a google.rpc.Status in either encoding); "" when there are none.
std::string otlp_error(const HttpResponse& answer, OtlpEncoding asked_in);

}  // namespace auditferry
