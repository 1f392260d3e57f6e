#pragma once
// zstd (RFC 8878), gzip (RFC 1952) and deflate (RFC 1950, RFC 1951). Whole buffers; StreamCompressor for
// what is larger than memory. Thread-safe: every thread keeps its own contexts.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/peer_settings.h"
#include "core/result.h"

namespace auditferry {

// One frame that states its content's size.
std::string zstd_compress(std::string_view bytes, int level);

// Any number of frames. Errors: too_large (more than `max_bytes` would come out), corrupt.
Result<std::string> zstd_decompress(std::string_view bytes, std::uint64_t max_bytes);

enum class ContentCoding { gzip, deflate };  // RFC 9110 section 8.4.1

// Undoes a content coding. `deflate` is zlib-wrapped as the RFC says, or raw as some servers send it;
// several gzip members are one body. Errors: too_large; protocol, with "ends early" for a cut body.
Result<std::string> inflate_body(std::string_view body, ContentCoding coding, std::uint64_t max_bytes);

// The first bytes of what it holds, at most `max_bytes` and as far as it can be read: for a body that was cut.
std::string inflate_beginning(std::string_view body, ContentCoding coding, std::uint64_t max_bytes);

// One member without name or time, so equal bytes give equal bytes.
std::string gzip_compress(std::string_view bytes);

// Compresses the body of a request. The name of what was done, for the header Content-Encoding; "" when nothing was.
std::string_view compress_body(Compression kind, std::string& body);

// Compresses what comes in pieces. One thread at a time.
class StreamCompressor {
 public:
  // Compression::none passes everything through. `level` 0: the library's default.
  explicit StreamCompressor(Compression kind, int level = 0);
  ~StreamCompressor();
  StreamCompressor(StreamCompressor&&) noexcept;
  StreamCompressor& operator=(StreamCompressor&&) noexcept;

  // Appends whatever is ready to `out`, which may be nothing.
  Status update(std::string_view in, std::string& out);
  // Appends the rest and the trailer. Nothing may follow.
  Status finish(std::string& out);

 private:
  class Engine;
  class GzipEngine;
  class ZstdEngine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace auditferry
