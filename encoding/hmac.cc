#include "encoding/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/check.h"

namespace auditferry {

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  // OpenSSL takes an empty key for "the key of before".
  static constexpr char no_key = 0;
  const char* key_bytes = key.empty() ? &no_key : key.data();
  Sha256 result;
  unsigned length = 0;
  const unsigned char* made = HMAC(EVP_sha256(), key_bytes, static_cast<int>(key.size()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                                   result.data(), &length);
  AUDITFERRY_CHECK(made != nullptr && length == result.size());
  return result;
}

}  // namespace auditferry
