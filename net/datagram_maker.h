#pragma once

#include <memory>

#include "core/byte_stream.h"
#include "core/clock.h"
#include "net/resolver.h"

namespace auditferry {

// core's DatagramMaker over UDP and Unix datagram sockets. Everything it is given outlives it and its
// sockets. UDP goes to the first address of the name; open() again resolves again.
class NetDatagramMaker final : public DatagramMaker {
 public:
  NetDatagramMaker(Executor executor, Resolver& resolver)
      : executor_(std::move(executor)), resolver_(resolver) {}

  Task<Result<std::unique_ptr<Datagram>>> open(PeerAddress to, PeerSettings settings) override;

 private:
  Task<Result<std::unique_ptr<Datagram>>> open_udp(PeerAddress to, PeerSettings settings);

  Executor executor_;
  Resolver& resolver_;
};

}  // namespace auditferry
