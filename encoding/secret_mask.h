#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/secret.h"

namespace auditferry {

// Finds secrets in words from outside: the far end of a connection may repeat what it was sent. Each is
// known as it is, as it stands in JSON (also with "\/"), and percent-encoded; whoever sends it in another
// form (base64, "Bearer …") adds that form to the list. Empty secrets are ignored. Pure.
class SecretMask {
 public:
  SecretMask() = default;
  explicit SecretMask(const std::vector<Secret>& secrets);

  // The text with "***" in place of every secret, and nothing else changed.
  std::string masked(std::string_view text) const;
  // Fit for a message: masked, then harmless_text. No part of a secret stands at the end where the text is
  // cut after `max_bytes`.
  std::string quoted(std::string_view text, std::size_t max_bytes) const;

 private:
  // The text as far as it begins before `end`.
  std::string masked_before(std::string_view text, std::size_t end) const;

  std::vector<Secret> forms_;  // the longest first
};

// What stands in a request made of them. "Bearer x": x alone is as secret.
void add_header_value(std::vector<Secret>& secrets, const std::string& value);
// A proxy's URL: its password, also as it is sent (Basic, RFC 7617).
void add_proxy(std::vector<Secret>& secrets, const std::string& url);

}  // namespace auditferry
