#include "storage/payload_codec.h"

#include <limits>
#include <optional>

#include "encoding/compress.h"
#include "encoding/hash.h"

namespace auditferry {
namespace {

constexpr std::uint64_t format_version = 1;
constexpr std::uint64_t max_payload_bytes = std::uint64_t{1} << 30;
enum Flag : std::uint64_t { no_time = 1, repaired = 2, gap_entry = 4, has_revision = 8 };

void put(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void put_signed(std::string& out, std::int64_t value) {
  put(out, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

void put_bytes(std::string& out, std::string_view bytes) {
  put(out, bytes.size());
  out += bytes;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t get() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    good_ = false;
    return 0;
  }
  std::int64_t get_signed() {
    const std::uint64_t value = get();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::string_view get_bytes() {
    const std::uint64_t length = get();
    if (length > rest_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return bytes;
  }
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }
  std::size_t rest_size() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

Error damaged() { return Error{ErrorKind::corrupt, "a stored payload cannot be read: its bytes are damaged"}; }

}  // namespace

std::string encode_payload(std::string_view source, WallTime received, const std::vector<Record>& records) {
  std::size_t estimate = 64 + source.size();
  for (const Record& record : records) estimate += record.raw.size() + record.id.size() + 16;
  std::string out;
  out.reserve(estimate);
  put(out, format_version);
  put_bytes(out, source);
  put_signed(out, to_micros(received));
  put(out, records.size());
  std::int64_t previous = 0;
  for (const Record& record : records) {
    put_signed(out, to_micros(record.time) - previous);
    previous = to_micros(record.time);
    const bool revised = record.revision > 1;
    std::uint64_t flags = 0;
    if (!record.has_time) flags |= no_time;
    if (record.repaired) flags |= repaired;
    if (record.gap) flags |= gap_entry;
    if (revised) flags |= has_revision;
    put(out, flags);
    if (revised) put(out, record.revision);
    put_bytes(out, record.id);
    put_bytes(out, record.raw);
  }
  return zstd_compress(out, 1);
}

Result<DecodedPayload> decode_payload(std::string_view compressed) {
  Result<std::string> text = zstd_decompress(compressed, max_payload_bytes);
  if (!text) return damaged();
  DecodedPayload decoded;
  decoded.text = std::make_shared<const std::string>(std::move(text).value());
  Reader reader(*decoded.text);
  if (reader.get() != format_version) return damaged();
  const std::string_view source = reader.get_bytes();
  const WallTime received = from_micros(reader.get_signed());
  const std::uint64_t count = reader.get();
  // Every record takes four bytes at least.
  if (!reader.good() || count > reader.rest_size() / 4) return damaged();
  decoded.records.reserve(count);
  std::uint64_t time = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Record record;
    time += static_cast<std::uint64_t>(reader.get_signed());
    record.time = from_micros(static_cast<std::int64_t>(time));
    const std::uint64_t flags = reader.get();
    record.has_time = !(flags & no_time);
    record.repaired = flags & repaired;
    record.gap = flags & gap_entry;
    if (flags & has_revision) {
      const std::uint64_t revision = reader.get();
      if (revision < 2 || revision > std::numeric_limits<std::uint32_t>::max()) return damaged();
      record.revision = static_cast<std::uint32_t>(revision);
    }
    if (flags > (no_time | repaired | gap_entry | has_revision)) return damaged();
    record.id = reader.get_bytes();
    record.raw = reader.get_bytes();
    record.source = source;
    record.received = received;
    if (!reader.good()) return damaged();
    decoded.records.push_back(record);
  }
  if (!reader.at_end()) return damaged();
  return decoded;
}

bool is_intact(std::string_view compressed, std::string_view stored_hash) {
  return bytes_of(short_hash(compressed)) == stored_hash;
}

}  // namespace auditferry
