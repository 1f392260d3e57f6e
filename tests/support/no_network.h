#pragma once

#include "core/byte_stream.h"

namespace auditferry {

// For programs whose exporters speak no protocol of their own.
class NoNetwork final : public Connector, public DatagramMaker {
 public:
  Task<Result<std::unique_ptr<ByteStream>>> connect(PeerAddress, PeerSettings) override {
    co_return Error{ErrorKind::connect, "there is no network"};
  }
  Task<Result<std::unique_ptr<Datagram>>> open(PeerAddress, PeerSettings) override {
    co_return Error{ErrorKind::connect, "there is no network"};
  }
};

}  // namespace auditferry
