#pragma once

#include <string_view>

#include "encoding/hash.h"

namespace auditferry {

// HMAC-SHA-256 (RFC 2104, FIPS 198-1). Thread-safe.
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace auditferry
