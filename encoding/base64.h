#pragma once
// Base 64 as in RFC 4648 section 4: the standard alphabet, padded, on one line.

#include <string>
#include <string_view>

#include "core/result.h"

namespace auditferry {

std::string base64_encode(std::string_view bytes);

// Strict: no line breaks, padding complete, unused bits zero; otherwise ErrorKind::invalid. The message
// does not hold the text, which may be a secret.
Result<std::string> base64_decode(std::string_view text);

}  // namespace auditferry
