#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bell.h"
#include "core/byte_stream.h"
#include "core/clock.h"

namespace auditferry {

// A connection of an exporter, shared by its owner, the writes on it and the task that reads from it. It is
// lost once and for all, with a reason; whoever waits for something on it also waits for that.
struct SyslogLink {
  SyslogLink(Executor executor, Clock& clock_in, std::unique_ptr<ByteStream> stream_in, std::string peer_in)
      : peer(std::move(peer_in)), clock(clock_in), stream(std::move(stream_in)), changed(std::move(executor)) {}

  const std::string peer;  // its name in messages
  Clock& clock;
  std::unique_ptr<ByteStream> stream;
  Bell changed;  // rung at every change of what stands here
  std::optional<Error> lost;
  bool finishing = false;  // we have told the far end that nothing follows
  bool writing = false;
  std::size_t pending = 0;  // writes that have not returned yet
  bool gave_back = false;   // a write on it is to be sent again

  void lose(Error error);
};

using SyslogLinkPtr = std::shared_ptr<SyslogLink>;

// Returns when the link is lost.
Task<void> until_lost(SyslogLinkPtr link);

// Writes everything, in portions, each of which may take `patience`. Loses the link when that fails. Waits
// for another write that is under way.
Task<Status> write_to_link(SyslogLinkPtr link, std::string_view bytes, Duration patience);

// Tells the far end that nothing follows, and waits for the link to be lost, by its end or otherwise, for at
// most `patience`; then loses it.
Task<void> finish_link(SyslogLinkPtr link, Duration patience);

// Counts a write of a link while it lives.
class PendingWrite {
 public:
  explicit PendingWrite(SyslogLinkPtr link) : link_(std::move(link)) { ++link_->pending; }
  ~PendingWrite() {
    --link_->pending;
    link_->changed.ring();
  }
  PendingWrite(const PendingWrite&) = delete;
  PendingWrite& operator=(const PendingWrite&) = delete;

 private:
  SyslogLinkPtr link_;
};

}  // namespace auditferry
