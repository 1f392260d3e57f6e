#pragma once
// A far end as one that real exporters reach over HTTP: their requests are taken apart again, and its mood becomes
// answers as each protocol has them.

#include <memory>
#include <string>

#include "core/clock.h"
#include "core/http_client.h"
#include "tests/simulation/far_end.h"

namespace auditferry::simulation {

enum class HttpProtocol { http, elasticsearch, splunk_hec };
const char* name_of(HttpProtocol protocol);
HttpProtocol protocol_of(const std::string& exporter_type);

// All of it outlives the client.
std::unique_ptr<HttpClient> make_far_http(FarEnd& far_end, SinkWorld world, Clock& clock, HttpProtocol protocol);

}  // namespace auditferry::simulation
