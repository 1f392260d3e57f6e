#include "sources/link_header.h"

#include <algorithm>

namespace auditferry {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool lists_next(const std::string& relations) {
  std::size_t at = 0;
  while (at < relations.size()) {
    const std::size_t begin = relations.find_first_not_of(" \t", at);
    if (begin == std::string::npos) return false;
    const std::size_t end = std::min(relations.find_first_of(" \t", begin), relations.size());
    if (lower(std::string_view(relations).substr(begin, end - begin)) == "next") return true;
    at = end;
  }
  return false;
}

// Reads the links of one header value, RFC 8288 appendix B.
class LinkReader {
 public:
  explicit LinkReader(std::string_view text) : text_(text) {}

  std::optional<std::string> find_next() {
    while (true) {
      skip(" \t,");
      if (!accept('<')) return std::nullopt;
      const std::size_t end = text_.find('>');
      if (end == std::string_view::npos) return std::nullopt;
      std::string target(text_.substr(0, end));
      text_.remove_prefix(end + 1);
      if (parameters()) return target;
    }
  }

 private:
  // The parameters of one link; true when one says that it is the next page. Of several rel only the
  // first counts (section 3.3); a link with an anchor speaks of another context (section 3.2).
  bool parameters() {
    std::optional<std::string> relations;
    bool anchored = false;
    skip(" \t");
    while (accept(';')) {
      skip(" \t");
      const std::string name = lower(take_until("=;, \t"));
      skip(" \t");
      std::string value;
      if (accept('=')) {
        skip(" \t");
        value = accept('"') ? quoted() : take_until(";, \t");
      }
      if (name == "rel" && !relations) relations = value;
      if (name == "anchor") anchored = true;
      skip(" \t");
    }
    // Whatever does not fit the grammar is skipped up to the next link.
    take_until(",");
    return relations && !anchored && lists_next(*relations);
  }

  std::string quoted() {
    std::string out;
    while (!text_.empty()) {
      char c = text_[0];
      text_.remove_prefix(1);
      if (c == '"') break;
      if (c == '\\' && !text_.empty()) {
        c = text_[0];
        text_.remove_prefix(1);
      }
      out += c;
    }
    return out;
  }

  std::string take_until(std::string_view stops) {
    const std::size_t end = std::min(text_.find_first_of(stops), text_.size());
    std::string out(text_.substr(0, end));
    text_.remove_prefix(end);
    return out;
  }

  void skip(std::string_view characters) {
    text_.remove_prefix(std::min(text_.find_first_not_of(characters), text_.size()));
  }

  bool accept(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string_view text_;
};

}  // namespace

std::optional<std::string> next_link(const HttpResponse& response) {
  for (const HttpHeader& header : response.headers) {
    if (lower(header.name) != "link") continue;
    if (std::optional<std::string> link = LinkReader(header.value).find_next()) return link;
  }
  return std::nullopt;
}

}  // namespace auditferry
