#pragma once

#include <optional>
#include <string>

#include "core/http_client.h"

namespace auditferry {

// The target of the first link with rel="next" (RFC 8288) in any Link header: several links in one header,
// quoted parameters, lists of relations and commas inside <> are understood. As written: it may be relative.
std::optional<std::string> next_link(const HttpResponse& response);

}  // namespace auditferry
