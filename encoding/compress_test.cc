#include "encoding/compress.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "core/random.h"

namespace auditferry {
namespace {

std::string sample(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::string text;
  while (text.size() < size) text += "{\"event\":" + std::to_string(random.below(100'000)) + "},";
  text.resize(size);
  return text;
}

// zlib's own deflate with the given wrapper.
std::string deflated(std::string_view bytes, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in(bytes);
  std::string out(deflateBound(&stream, in.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Zstd, ThereAndBack) {
  for (const std::size_t size : {0u, 1u, 1000u, 700'000u}) {
    const std::string text = sample(size, size);
    const std::string packed = zstd_compress(text, 1);
    EXPECT_EQ(*zstd_decompress(packed, size), text);
    EXPECT_LT(packed.size(), size / 2 + 100);
  }
}

TEST(Zstd, RefusesTooMuchCutAndDamagedData) {
  const std::string text = sample(10'000, 1);
  const std::string packed = zstd_compress(text, 1);
  EXPECT_EQ(zstd_decompress(packed, 9'999).error().kind, ErrorKind::too_large);
  for (std::size_t length = 0; length < packed.size(); length += 7) {
    const auto cut = zstd_decompress(std::string_view(packed).substr(0, length), 1 << 20);
    ASSERT_FALSE(cut.ok()) << length;
    EXPECT_EQ(cut.error().kind, ErrorKind::corrupt);
  }
  EXPECT_FALSE(zstd_decompress("not zstd at all", 100).ok());
  // The context still serves after errors.
  EXPECT_EQ(*zstd_decompress(packed, 10'000), text);
}

TEST(Zstd, ReadsStreamsAndSeveralFrames) {
  const std::string text = sample(300'000, 2);
  std::string packed;
  StreamCompressor compressor(Compression::zstd);
  for (std::size_t at = 0; at < text.size(); at += 7777)
    ASSERT_TRUE(compressor.update(std::string_view(text).substr(at, 7777), packed).ok());
  ASSERT_TRUE(compressor.finish(packed).ok());
  EXPECT_EQ(*zstd_decompress(packed, text.size()), text);
  EXPECT_EQ(zstd_decompress(packed, text.size() - 1).error().kind, ErrorKind::too_large);
  EXPECT_EQ(*zstd_decompress(packed + zstd_compress("more", 1), 1 << 20), text + "more");
  packed.pop_back();
  EXPECT_FALSE(zstd_decompress(packed, 1 << 20).ok());
}

TEST(Inflate, ReadsEveryWrapper) {
  for (const std::size_t size : {0u, 1u, 200'000u}) {
    const std::string text = sample(size, size + 5);
    EXPECT_EQ(*inflate_body(deflated(text, 15 + 16), ContentCoding::gzip, size), text);
    EXPECT_EQ(*inflate_body(deflated(text, 15), ContentCoding::deflate, size), text);
    EXPECT_EQ(*inflate_body(deflated(text, -15), ContentCoding::deflate, size), text);
    EXPECT_EQ(*inflate_body(gzip_compress(text), ContentCoding::gzip, size), text);
  }
  EXPECT_EQ(*inflate_body(gzip_compress("one,") + gzip_compress("two"), ContentCoding::gzip, 100), "one,two");
}

TEST(Inflate, TellsTooLargeFromCut) {
  const std::string text = sample(50'000, 9);
  for (const auto& [packed, coding] : {std::pair(gzip_compress(text), ContentCoding::gzip),
                                       std::pair(deflated(text, 15), ContentCoding::deflate),
                                       std::pair(deflated(text, -15), ContentCoding::deflate)}) {
    EXPECT_EQ(inflate_body(packed, coding, text.size() - 1).error().kind, ErrorKind::too_large);
    for (std::size_t length = 0; length < packed.size(); length += 101) {
      const auto cut = inflate_body(std::string_view(packed).substr(0, length), coding, 1 << 20);
      ASSERT_FALSE(cut.ok()) << length;
      ASSERT_EQ(cut.error().kind, ErrorKind::protocol);
      EXPECT_NE(cut.error().message.find("ends early"), std::string::npos) << cut.error().message;
    }
  }
  // A bomb stops at the limit.
  EXPECT_EQ(
      inflate_body(gzip_compress(std::string(50'000'000, '\0')), ContentCoding::gzip, 1000).error().kind,
      ErrorKind::too_large);
}

TEST(Inflate, GivesTheBeginningOfWhatWasCut) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919 % 100'003);
  const std::string gzip = gzip_compress(text);
  EXPECT_EQ(inflate_beginning(gzip, ContentCoding::gzip, 1'000), text.substr(0, 1'000));
  EXPECT_EQ(inflate_beginning(gzip, ContentCoding::gzip, text.size()), text);
  const std::string half = inflate_beginning(gzip.substr(0, gzip.size() / 2), ContentCoding::gzip, 1u << 20);
  EXPECT_GT(half.size(), text.size() / 3);
  EXPECT_TRUE(text.starts_with(half));
  EXPECT_EQ(inflate_beginning("no gzip at all", ContentCoding::gzip, 100), "");
  EXPECT_EQ(inflate_beginning("", ContentCoding::deflate, 100), "");
  // Bytes of deflate without a wrapper: those of gzip without its header of ten bytes.
  EXPECT_EQ(inflate_beginning(gzip.substr(10), ContentCoding::deflate, 500), text.substr(0, 500));
}

TEST(Inflate, RefusesGarbage) {
  EXPECT_EQ(inflate_body("plain text", ContentCoding::gzip, 100).error().kind, ErrorKind::protocol);
  EXPECT_FALSE(inflate_body(gzip_compress("x") + "garbage", ContentCoding::gzip, 100).ok());
  std::string damaged = gzip_compress(sample(1000, 4));
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // its checksum
  EXPECT_FALSE(inflate_body(damaged, ContentCoding::gzip, 10'000).ok());
}

TEST(StreamCompressor, GzipInPiecesAndDeterministic) {
  const std::string text = sample(300'000, 8);
  std::string packed;
  StreamCompressor compressor(Compression::gzip);
  for (std::size_t at = 0; at < text.size(); at += 50'001)
    ASSERT_TRUE(compressor.update(std::string_view(text).substr(at, 50'001), packed).ok());
  ASSERT_TRUE(compressor.finish(packed).ok());
  EXPECT_EQ(*inflate_body(packed, ContentCoding::gzip, text.size()), text);
  EXPECT_EQ(gzip_compress(text), gzip_compress(text));
}

TEST(StreamCompressor, NonePassesThrough) {
  std::string out;
  StreamCompressor compressor(Compression::none);
  ASSERT_TRUE(compressor.update("abc", out).ok());
  ASSERT_TRUE(compressor.finish(out).ok());
  EXPECT_EQ(out, "abc");
}

}  // namespace
}  // namespace auditferry
