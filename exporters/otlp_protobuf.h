#pragma once
// As much of the protobuf wire format (protobuf.dev, "Encoding") as OTLP needs. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace auditferry {

std::size_t varint_size(std::uint64_t value);
void append_varint(std::string& out, std::uint64_t value);

// Both have the same calls, so that one function that describes a message first counts its bytes and then
// writes them. `fill` of message() is called with either of them.
class ProtobufSize {
 public:
  std::size_t bytes() const { return bytes_; }
  void varint(std::uint32_t field, std::uint64_t value) { bytes_ += tag(field) + varint_size(value); }
  void fixed64(std::uint32_t field, std::uint64_t) { bytes_ += tag(field) + 8; }
  void text(std::uint32_t field, std::string_view value) { add(field, value.size()); }
  template <class Fill>
  void message(std::uint32_t field, Fill fill) {
    ProtobufSize inner;
    fill(inner);
    add(field, inner.bytes());
  }

 private:
  static std::size_t tag(std::uint32_t field) { return varint_size(std::uint64_t{field} << 3); }
  void add(std::uint32_t field, std::size_t length) { bytes_ += tag(field) + varint_size(length) + length; }
  std::size_t bytes_ = 0;
};

class ProtobufWriter {
 public:
  // Appends to `out`, which outlives it.
  explicit ProtobufWriter(std::string& out) : out_(out) {}
  void varint(std::uint32_t field, std::uint64_t value);
  void fixed64(std::uint32_t field, std::uint64_t value);
  void text(std::uint32_t field, std::string_view value);
  template <class Fill>
  void message(std::uint32_t field, Fill fill) {
    ProtobufSize size;
    fill(size);
    begin_message(field, size.bytes());
    fill(*this);
  }

 private:
  void begin_message(std::uint32_t field, std::size_t bytes);
  std::string& out_;
};

// Goes through the fields of one message. Safe on any bytes; never reads outside of them.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message) : rest_(message) {}

  struct Field {
    std::uint32_t number = 0;
    bool is_number = false;
    std::uint64_t number_value = 0;  // varint, fixed64 or fixed32
    std::string_view bytes;          // text or message
  };
  // Nothing at the end, and at the first byte that cannot be: then broken().
  std::optional<Field> next();
  bool broken() const { return broken_; }

 private:
  std::optional<std::uint64_t> varint();
  std::optional<std::uint64_t> fixed(std::size_t bytes);
  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace auditferry
