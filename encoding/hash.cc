#include "encoding/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <limits>

#include "core/check.h"

namespace auditferry {
namespace {

// Fetching an algorithm takes a lock and a look-up by name; a thread does it once.
class Digest {
 public:
  Digest() : method_(EVP_MD_fetch(nullptr, "SHA256", nullptr)) { AUDITFERRY_CHECK(method_ != nullptr); }
  ~Digest() { EVP_MD_free(method_); }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  const EVP_MD* method() const { return method_; }

 private:
  EVP_MD* method_;
};

const EVP_MD* method() {
  thread_local const Digest digest;
  return digest.method();
}

void begin(EVP_MD_CTX* context) {
  AUDITFERRY_CHECK(EVP_DigestInit_ex2(context, method(), nullptr) == 1);
}

void add(EVP_MD_CTX* context, std::string_view bytes) {
  AUDITFERRY_CHECK(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

Sha256 end(EVP_MD_CTX* context) {
  Sha256 result;
  unsigned length = 0;
  AUDITFERRY_CHECK(EVP_DigestFinal_ex(context, result.data(), &length) == 1 && length == result.size());
  return result;
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void Sha256Stream::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  AUDITFERRY_CHECK(context_ != nullptr);
  begin(context_.get());
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::update(std::string_view bytes) {
  add(context_.get(), bytes);
}

Sha256 Sha256Stream::finish() {
  const Sha256 result = end(context_.get());
  begin(context_.get());
  return result;
}

Sha256 sha256(std::string_view bytes) {
  thread_local Sha256Stream stream;
  stream.update(bytes);
  return stream.finish();
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  AUDITFERRY_CHECK(key.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  // OpenSSL takes a null key for "the key of before".
  const char* const key_bytes = key.empty() ? "" : key.data();
  Sha256 result;
  unsigned length = 0;
  const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
  AUDITFERRY_CHECK(HMAC(method(), key_bytes, static_cast<int>(key.size()), data, bytes.size(), result.data(), &length) != nullptr &&
                   length == result.size());
  return result;
}

ShortHash short_hash(std::string_view bytes) {
  const Sha256 whole = sha256(bytes);
  ShortHash result;
  std::copy_n(whole.begin(), result.size(), result.begin());
  return result;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out(bytes.size() * 2, '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  return out;
}

std::string hex(std::string_view bytes) {
  return hex(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string out(digits.size() / 2, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit_value(digits[2 * i]);
    const int low = digit_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<char>(high * 16 + low);
  }
  return out;
}

std::optional<Sha256> sha256_from_hex(std::string_view digits) {
  const std::optional<std::string> bytes = from_hex(digits);
  if (!bytes || bytes->size() != std::tuple_size_v<Sha256>) return std::nullopt;
  Sha256 result;
  std::transform(bytes->begin(), bytes->end(), result.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return result;
}

}  // namespace auditferry
