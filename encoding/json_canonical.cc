#include "encoding/json_canonical.h"

#include <algorithm>

#include "encoding/byte_scan.h"

namespace auditferry {

// Sorting the members of an object leaves its length as it is, so everything happens in place, innermost
// objects first, in one pass over the text.
std::string_view JsonCanonicalizer::canonical(std::string_view minified) {
  text_.assign(minified);
  members_.clear();
  levels_.clear();
  const char* const begin = text_.data();
  const char* const end = begin + text_.size();
  const char* p = begin;
  const auto offset = [begin](const char* at) { return static_cast<std::size_t>(at - begin); };
  while (p != end) {
    const char* const at = p++;
    switch (*at) {
      case '"':
        p = byte_scan::skip_string(p, end);
        // Only a key is followed by a colon.
        if (p != end && *p == ':') add_member(offset(at), offset(p));
        break;
      case '{':
      case '[': levels_.push_back({members_.size(), *at == '{', true}); break;
      case ',': end_member(offset(at)); break;
      case '}':
      case ']': close(offset(at)); break;
      default: break;
    }
  }
  return text_;
}

std::string_view JsonCanonicalizer::key_of(const Member& member) const {
  return std::string_view(text_).substr(member.begin + 1, member.key_length);
}

void JsonCanonicalizer::add_member(std::size_t key_begin, std::size_t key_end) {
  if (levels_.empty()) return;
  const Member member{key_begin, key_end - key_begin - 2, 0};
  Level& level = levels_.back();
  if (level.sorted && members_.size() > level.first_member && key_of(member) < key_of(members_.back())) {
    level.sorted = false;
  }
  members_.push_back(member);
}

void JsonCanonicalizer::end_member(std::size_t at) {
  if (!levels_.empty() && levels_.back().object && members_.size() > levels_.back().first_member)
    members_.back().end = at;
}

void JsonCanonicalizer::close(std::size_t at) {
  if (levels_.empty()) return;
  end_member(at);
  const Level level = levels_.back();
  levels_.pop_back();
  if (!level.sorted) sort_members(level.first_member);
  members_.resize(level.first_member);
}

void JsonCanonicalizer::sort_members(std::size_t first) {
  const std::size_t begin = members_[first].begin;
  std::sort(members_.begin() + static_cast<std::ptrdiff_t>(first), members_.end(),
            [this](const Member& a, const Member& b) {
              const int order = key_of(a).compare(key_of(b));
              return order != 0 ? order < 0 : a.begin < b.begin;
            });
  sorted_.clear();
  for (std::size_t i = first; i < members_.size(); ++i) {
    if (i > first) sorted_ += ',';
    sorted_.append(text_, members_[i].begin, members_[i].end - members_[i].begin);
  }
  std::copy(sorted_.begin(), sorted_.end(), text_.begin() + static_cast<std::ptrdiff_t>(begin));
}

}  // namespace auditferry
