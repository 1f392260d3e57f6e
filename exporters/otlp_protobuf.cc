#include "exporters/otlp_protobuf.h"

namespace auditferry {
namespace {

enum WireType : std::uint64_t { varint_type = 0, fixed64_type = 1, bytes_type = 2, fixed32_type = 5 };

void append_tag(std::string& out, std::uint32_t field, WireType type) {
  append_varint(out, (std::uint64_t{field} << 3) | type);
}

}  // namespace

std::size_t varint_size(std::uint64_t value) {
  std::size_t bytes = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++bytes;
  }
  return bytes;
}

void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7F) | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void ProtobufWriter::varint(std::uint32_t field, std::uint64_t value) {
  append_tag(out_, field, varint_type);
  append_varint(out_, value);
}

void ProtobufWriter::fixed64(std::uint32_t field, std::uint64_t value) {
  append_tag(out_, field, fixed64_type);
  for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>((value >> shift) & 0xFF);
}

void ProtobufWriter::text(std::uint32_t field, std::string_view value) {
  begin_message(field, value.size());
  out_ += value;
}

void ProtobufWriter::begin_message(std::uint32_t field, std::size_t bytes) {
  append_tag(out_, field, bytes_type);
  append_varint(out_, bytes);
}

std::optional<std::uint64_t> ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    if (shift == 63 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ProtobufReader::fixed(std::size_t bytes) {
  if (rest_.size() < bytes) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
  rest_.remove_prefix(bytes);
  return value;
}

std::optional<ProtobufReader::Field> ProtobufReader::next() {
  if (rest_.empty() || broken_) return std::nullopt;
  broken_ = true;  // unless it ends well
  const std::optional<std::uint64_t> tag = varint();
  if (!tag || (*tag >> 3) == 0 || (*tag >> 3) > 0x1FFFFFFF) return std::nullopt;
  Field field;
  field.number = static_cast<std::uint32_t>(*tag >> 3);
  std::optional<std::uint64_t> value;
  switch (*tag & 7) {
    case varint_type:
      value = varint();
      break;
    case fixed64_type:
      value = fixed(8);
      break;
    case fixed32_type:
      value = fixed(4);
      break;
    case bytes_type: {
      const std::optional<std::uint64_t> length = varint();
      if (!length || *length > rest_.size()) return std::nullopt;
      field.bytes = rest_.substr(0, *length);
      rest_.remove_prefix(*length);
      broken_ = false;
      return field;
    }
    default:
      return std::nullopt;  // groups have not been used for a long time
  }
  if (!value) return std::nullopt;
  field.is_number = true;
  field.number_value = *value;
  broken_ = false;
  return field;
}

}  // namespace auditferry
