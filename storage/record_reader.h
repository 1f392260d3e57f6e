#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "core/record.h"
#include "storage/payload_codec.h"
#include "storage/sqlite.h"

namespace auditferry {

// Reads published entries in the order of their sequence numbers. A payload whose hash or shape is wrong
// shows as missing numbers, never as wrong records. Throws SqliteFailure.
class RecordReader {
 public:
  explicit RecordReader(Database& database);
  // Entries with seq > after and <= last_seq, at most max_records, and no more once max_bytes of raw
  // records are reached (but always one).
  RecordBatch read(std::uint64_t after, std::uint64_t last_seq, std::uint64_t max_records, std::uint64_t max_bytes);

 private:
  struct Identity {
    std::shared_ptr<const std::string> text;  // vendor, tenant and stream, one after the other
    std::string_view vendor, tenant, stream;
  };
  struct Cached {
    std::int64_t payload_id = 0;
    DecodedPayload payload;
    Identity identity;
    bool damaged = false;
  };
  std::shared_ptr<const Cached> payload(std::int64_t payload_id);
  Identity identity(std::int64_t stream_id);

  Statement publications_;
  Statement payload_;
  Statement stream_;
  // Several exporters read the same pages at about the same time.
  std::list<std::shared_ptr<const Cached>> cache_;
  std::map<std::int64_t, Identity> identities_;
};

}  // namespace auditferry
