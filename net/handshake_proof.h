#pragma once

#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "core/task.h"
#include "net/connection.h"

namespace auditferry {

// A TLS 1.3 client has done its part of the handshake before the server has looked at its certificate: a
// server that refuses it swallows whatever follows, and its alert comes later. Waits for the server's
// first record (usually a session ticket, RFC 8446 section 4.6.1), at most `patience`: silence is taken
// for consent. TLS 1.2 and connections without TLS return at once.
// ErrorKind::tls when the server refuses, connect when it closes. Application data that came already is
// appended to `early`.
Task<Status> await_handshake_proof(Connection& connection, Clock& clock, Duration patience,
                                   std::string& early);

}  // namespace auditferry
