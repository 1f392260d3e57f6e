#include "encoding/compress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "core/check.h"

namespace auditferry {
namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_CCtx* compression_context() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeZstd> context(ZSTD_createCCtx());
  AUDITFERRY_CHECK(context != nullptr);
  return context.get();
}

ZSTD_DCtx* decompression_context() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  AUDITFERRY_CHECK(context != nullptr);
  return context.get();
}

Error too_large(std::uint64_t max_bytes) {
  return Error{ErrorKind::too_large,
               "decompressed data exceed the limit of " + std::to_string(max_bytes) + " bytes"};
}

Error zstd_corrupt(std::size_t code) {
  return Error{ErrorKind::corrupt, std::string("not valid zstd data: ") + ZSTD_getErrorName(code)};
}

Result<std::string> zstd_decompress_stream(std::string_view bytes, std::uint64_t max_bytes) {
  ZSTD_DCtx* const context = decompression_context();
  ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::string out;
  std::array<char, chunk_bytes> chunk;
  std::size_t expected = 1;  // 0 when a frame is complete and flushed
  while (true) {
    ZSTD_outBuffer piece{chunk.data(), chunk.size(), 0};
    expected = ZSTD_decompressStream(context, &piece, &in);
    if (ZSTD_isError(expected)) return zstd_corrupt(expected);
    if (piece.pos > max_bytes - out.size()) return too_large(max_bytes);
    out.append(chunk.data(), piece.pos);
    if (in.pos == in.size && piece.pos < piece.size) break;
  }
  if (expected != 0) return Error{ErrorKind::corrupt, "zstd data end early"};
  return out;
}

// Owns a z_stream for inflating. RFC 1950 and 1952 wrappers are chosen by window bits.
class Inflater {
 public:
  explicit Inflater(int window_bits) { AUDITFERRY_CHECK(inflateInit2(&stream_, window_bits) == Z_OK); }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<std::string> run(std::string_view body, std::uint64_t max_bytes, bool several_members) {
    std::string out;
    Status whole = run(body, max_bytes, several_members, out);
    if (!whole.ok()) return whole.error();
    return out;
  }
  // What came before a failure, or up to the limit, is in `out`.
  Status run(std::string_view body, std::uint64_t max_bytes, bool several_members, std::string& out) {
    std::array<char, chunk_bytes> chunk;
    std::size_t given = 0;
    while (true) {
      if (stream_.avail_in == 0) {
        const std::size_t part = std::min<std::size_t>(body.size() - given, std::numeric_limits<uInt>::max());
        // zlib does not write through next_in, it only lacks the const.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data() + given));
        stream_.avail_in = static_cast<uInt>(part);
        given += part;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
      stream_.avail_out = static_cast<uInt>(chunk.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      const std::size_t produced = chunk.size() - stream_.avail_out;
      const std::size_t room = static_cast<std::size_t>(max_bytes - out.size());
      out.append(chunk.data(), std::min(produced, room));
      if (produced > room) return too_large(max_bytes);
      if (code == Z_STREAM_END) {
        const std::string_view rest = body.substr(given - stream_.avail_in);
        if (rest.find_first_not_of('\0') == std::string_view::npos) return {};
        if (!several_members || !rest.starts_with("\x1f\x8b")) return failed("bytes follow its end");
        inflateReset(&stream_);
      } else if (code == Z_BUF_ERROR ||
                 (code == Z_OK && given == body.size() && stream_.avail_in == 0 && produced < chunk.size())) {
        return failed("it ends early, after " + std::to_string(body.size()) + " bytes");
      } else if (code != Z_OK) {
        return failed(stream_.msg != nullptr ? stream_.msg : "zlib error " + std::to_string(code));
      }
    }
  }

 private:
  static Error failed(const std::string& why) {
    return Error{ErrorKind::protocol, "the compressed body cannot be read: " + why};
  }
  z_stream stream_{};
};

bool has_zlib_header(std::string_view body) {
  if (body.size() < 2) return true;
  const auto first = static_cast<unsigned char>(body[0]);
  const auto second = static_cast<unsigned char>(body[1]);
  return (first & 0x0F) == 8 && (first * 256u + second) % 31 == 0;
}

}  // namespace

std::string zstd_compress(std::string_view bytes, int level) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size =
      ZSTD_compressCCtx(compression_context(), out.data(), out.size(), bytes.data(), bytes.size(), level);
  AUDITFERRY_CHECK(!ZSTD_isError(size));
  out.resize(size);
  return out;
}

Result<std::string> zstd_decompress(std::string_view bytes, std::uint64_t max_bytes) {
  const std::size_t frame = ZSTD_findFrameCompressedSize(bytes.data(), bytes.size());
  if (ZSTD_isError(frame)) return zstd_corrupt(frame);
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (frame != bytes.size() || size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) {
    return zstd_decompress_stream(bytes, max_bytes);
  }
  if (size > max_bytes) return too_large(max_bytes);
  // A header may claim what it likes; a block of at most 128 KiB takes at least four bytes.
  if (size / (128 * 1024) > bytes.size())
    return Error{ErrorKind::corrupt, "not valid zstd data: impossible size"};
  std::string out(static_cast<std::size_t>(size), '\0');
  const std::size_t got =
      ZSTD_decompressDCtx(decompression_context(), out.data(), out.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got)) return zstd_corrupt(got);
  out.resize(got);
  return out;
}

Result<std::string> inflate_body(std::string_view body, ContentCoding coding, std::uint64_t max_bytes) {
  if (coding == ContentCoding::gzip) return Inflater(MAX_WBITS + 16).run(body, max_bytes, true);
  if (has_zlib_header(body)) {
    Result<std::string> wrapped = Inflater(MAX_WBITS).run(body, max_bytes, false);
    if (wrapped || wrapped.error().kind == ErrorKind::too_large || body.size() < 2) return wrapped;
    // Raw deflate may begin with two bytes that look like a header.
    Result<std::string> raw = Inflater(-MAX_WBITS).run(body, max_bytes, false);
    return raw ? std::move(raw) : std::move(wrapped);
  }
  return Inflater(-MAX_WBITS).run(body, max_bytes, false);
}

std::string inflate_beginning(std::string_view body, ContentCoding coding, std::uint64_t max_bytes) {
  std::string out;
  const bool gzip = coding == ContentCoding::gzip;
  const bool wrapped = gzip || has_zlib_header(body);
  if (wrapped) static_cast<void>(Inflater(gzip ? MAX_WBITS + 16 : MAX_WBITS).run(body, max_bytes, gzip, out));
  if (!gzip && out.empty()) static_cast<void>(Inflater(-MAX_WBITS).run(body, max_bytes, false, out));
  return out;
}

std::string gzip_compress(std::string_view bytes) {
  std::string out;
  StreamCompressor compressor(Compression::gzip);
  AUDITFERRY_CHECK(compressor.update(bytes, out).ok());
  AUDITFERRY_CHECK(compressor.finish(out).ok());
  return out;
}

std::string_view compress_body(Compression kind, std::string& body) {
  switch (kind) {
    case Compression::none:
      return "";
    case Compression::gzip:
      body = gzip_compress(body);
      return "gzip";
    case Compression::zstd:
      body = zstd_compress(body, 3);
      return "zstd";
  }
  return "";
}

class StreamCompressor::Engine {
 public:
  virtual ~Engine() = default;
  virtual Status feed(std::string_view in, std::string& out, bool last) = 0;
};

class StreamCompressor::GzipEngine final : public Engine {
 public:
  explicit GzipEngine(int level) {
    AUDITFERRY_CHECK(deflateInit2(&stream_, level == 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED,
                                  MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~GzipEngine() override { deflateEnd(&stream_); }
  GzipEngine(const GzipEngine&) = delete;
  GzipEngine& operator=(const GzipEngine&) = delete;

  Status feed(std::string_view in, std::string& out, bool last) override {
    std::array<char, chunk_bytes> chunk;
    do {
      const std::size_t part = std::min<std::size_t>(in.size(), std::numeric_limits<uInt>::max());
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));  // not written through
      stream_.avail_in = static_cast<uInt>(part);
      in.remove_prefix(part);
      const int flush = last && in.empty() ? Z_FINISH : Z_NO_FLUSH;
      do {
        stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
        stream_.avail_out = static_cast<uInt>(chunk.size());
        if (deflate(&stream_, flush) == Z_STREAM_ERROR)
          return Error{ErrorKind::io, "gzip compression failed"};
        out.append(chunk.data(), chunk.size() - stream_.avail_out);
      } while (stream_.avail_out == 0);
    } while (!in.empty());
    return {};
  }

 private:
  z_stream stream_{};
};

class StreamCompressor::ZstdEngine final : public Engine {
 public:
  explicit ZstdEngine(int level) : context_(ZSTD_createCCtx()) {
    AUDITFERRY_CHECK(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  Status feed(std::string_view in, std::string& out, bool last) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    std::array<char, chunk_bytes> chunk;
    while (true) {
      ZSTD_outBuffer piece{chunk.data(), chunk.size(), 0};
      const std::size_t left =
          ZSTD_compressStream2(context_.get(), &piece, &input, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left))
        return Error{ErrorKind::io, std::string("zstd compression failed: ") + ZSTD_getErrorName(left)};
      out.append(chunk.data(), piece.pos);
      if (last ? left == 0 : input.pos == input.size) return {};
    }
  }

 private:
  std::unique_ptr<ZSTD_CCtx, FreeZstd> context_;
};

StreamCompressor::StreamCompressor(Compression kind, int level) {
  if (kind == Compression::gzip) engine_ = std::make_unique<GzipEngine>(level);
  if (kind == Compression::zstd) engine_ = std::make_unique<ZstdEngine>(level);
}
StreamCompressor::~StreamCompressor() = default;
StreamCompressor::StreamCompressor(StreamCompressor&&) noexcept = default;
StreamCompressor& StreamCompressor::operator=(StreamCompressor&&) noexcept = default;

Status StreamCompressor::update(std::string_view in, std::string& out) {
  if (engine_) return engine_->feed(in, out, false);
  out += in;
  return {};
}

Status StreamCompressor::finish(std::string& out) {
  return engine_ ? engine_->feed({}, out, true) : Status{};
}

}  // namespace auditferry
