#include "encoding/secret_mask.h"

#include <algorithm>

#include "encoding/base64.h"
#include "encoding/harmless_text.h"
#include "encoding/json_text.h"
#include "encoding/percent_encoding.h"
#include "encoding/url.h"

namespace auditferry {
namespace {

constexpr std::string_view mask = "***";

std::string in_json(const std::string& text) {
  std::string quoted;
  append_json_string(quoted, text);
  return quoted.substr(1, quoted.size() - 2);
}

// Some writers of JSON escape slashes.
std::string with_escaped_slashes(const std::string& json) {
  std::string out;
  for (const char c : json) out += c == '/' ? std::string("\\/") : std::string(1, c);
  return out;
}

// Where a form was found last, so that it is looked for only once behind each place.
struct Found {
  std::string_view form;
  std::size_t at;
};

}  // namespace

SecretMask::SecretMask(const std::vector<Secret>& secrets) {
  for (const Secret& secret : secrets) {
    if (secret.empty()) continue;
    const std::string json = in_json(secret.reveal());
    for (std::string form : {secret.reveal(), json, with_escaped_slashes(json), percent_encode(secret.reveal())}) {
      const bool known =
          std::any_of(forms_.begin(), forms_.end(), [&](const Secret& other) { return other.reveal() == form; });
      if (!known) forms_.emplace_back(std::move(form));
    }
  }
  std::sort(forms_.begin(), forms_.end(),
            [](const Secret& a, const Secret& b) { return a.reveal().size() > b.reveal().size(); });
}

std::string SecretMask::masked(std::string_view text) const { return masked_before(text, text.size()); }

std::string SecretMask::quoted(std::string_view text, std::size_t max_bytes) const {
  if (text.size() <= max_bytes) return harmless_text(masked(text), max_bytes);
  // Not within a character.
  std::size_t end = max_bytes;
  while (end > 0 && max_bytes - end < 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return harmless_text(masked_before(text, end) + "...", max_bytes + 3);
}

std::string SecretMask::masked_before(std::string_view text, std::size_t end) const {
  std::vector<Found> found;
  for (const Secret& form : forms_) found.push_back({form.reveal(), text.find(form.reveal())});
  std::string out;
  std::size_t at = 0;
  while (at < end) {
    const Found* next = nullptr;
    for (Found& one : found) {
      if (one.at < at) one.at = text.find(one.form, at);
      // Of two at one place the longer stands first.
      if (one.at < end && (next == nullptr || one.at < next->at)) next = &one;
    }
    const std::size_t plain_end = next == nullptr ? end : next->at;
    out += text.substr(at, plain_end - at);
    at = plain_end;
    if (next == nullptr) break;
    out += mask;
    at += next->form.size();
  }
  return out;
}

void add_header_value(std::vector<Secret>& secrets, const std::string& value) {
  secrets.emplace_back(value);
  const std::size_t blank = value.find(' ');
  if (blank != std::string::npos) secrets.emplace_back(value.substr(blank + 1));
}

void add_proxy(std::vector<Secret>& secrets, const std::string& url) {
  const std::optional<UrlParts> parts = split_url(url.find("://") == std::string::npos ? "http://" + url : url);
  if (!parts || !parts->has_user) return;
  secrets.emplace_back(parts->password);
  secrets.emplace_back(base64_encode(parts->user + ":" + parts->password));
}

}  // namespace auditferry
