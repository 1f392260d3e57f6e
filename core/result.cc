#include "core/result.h"

namespace auditferry {

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid: return "invalid";
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::permission: return "permission";
    case ErrorKind::io: return "io";
    case ErrorKind::no_space: return "no_space";
    case ErrorKind::corrupt: return "corrupt";
    case ErrorKind::busy: return "busy";
    case ErrorKind::resolve: return "resolve";
    case ErrorKind::connect: return "connect";
    case ErrorKind::tls: return "tls";
    case ErrorKind::proxy: return "proxy";
    case ErrorKind::timeout: return "timeout";
    case ErrorKind::protocol: return "protocol";
    case ErrorKind::too_large: return "too_large";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::unsupported: return "unsupported";
  }
  return "unknown";
}

Error with_context(std::string context, Error error) {
  context += ": ";
  context += error.message;
  error.message = std::move(context);
  return error;
}

}  // namespace auditferry
