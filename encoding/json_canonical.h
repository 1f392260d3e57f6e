#pragma once
// canonical_json (json_text.h) for the hot path: keeps its memory from one document to the next.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace auditferry {

// One thread at a time.
class JsonCanonicalizer {
 public:
  // `minified` is the output of scan_json. The view is valid until the next call.
  std::string_view canonical(std::string_view minified);

 private:
  // Offsets into text_: the key is [key, key + key_length), the member [begin, end).
  struct Member {
    std::size_t begin = 0;
    std::size_t key_length = 0;
    std::size_t end = 0;
  };
  struct Level {
    std::size_t first_member = 0;  // index into members_
    bool object = false;
    bool sorted = true;
  };

  std::string_view key_of(const Member& member) const;
  void add_member(std::size_t key_begin, std::size_t key_end);
  void end_member(std::size_t at);
  void close(std::size_t at);
  void sort_members(std::size_t first);

  std::string text_;
  std::string sorted_;  // scratch of sort_members
  std::vector<Member> members_;
  std::vector<Level> levels_;
};

}  // namespace auditferry
