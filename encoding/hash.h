#pragma once
// SHA-256 (FIPS 180-4), HMAC and hex. Thread-safe: every thread has its own context.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/page.h"

struct evp_md_ctx_st;

namespace auditferry {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
// HMAC-SHA-256 (RFC 2104, FIPS 198-1).
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
// The first 16 bytes of the SHA-256.
ShortHash short_hash(std::string_view bytes);

// The hash of what comes in pieces. One thread at a time.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;

  void update(std::string_view bytes);
  // The hash of everything since construction or the last finish(); then begins anew.
  Sha256 finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Lower case.
std::string hex(std::span<const std::uint8_t> bytes);
std::string hex(std::string_view bytes);
// Either case; nothing for an odd number of digits or anything else.
std::optional<std::string> from_hex(std::string_view digits);
// Exactly 64 digits.
std::optional<Sha256> sha256_from_hex(std::string_view digits);

}  // namespace auditferry
