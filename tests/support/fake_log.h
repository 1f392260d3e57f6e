#pragma once
// A vendor's log in a few lines, for the tests of the walks: records, paging with cursors, and the ways
// in which real servers misbehave. The full simulated portal is in sandbox/.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/page.h"

namespace auditferry {

struct FakeRecord {
  std::int64_t second = 0;
  std::string id;
  std::int64_t event = 0;  // the order of the answer is by event, falling
};

struct FakeLog {
  std::vector<FakeRecord> records;
  std::uint32_t server_page_limit = 1000;
  bool ignores_start = false;
  bool ignores_end = false;
  bool exclusive = false;
  bool page_numbers = false;            // PageRequest::page counts (from 0), not its offset
  bool cursor_after_last_page = false;  // a last page carries a cursor that leads to an empty page
  // Called with the number of the cursor request; says how that cursor behaves.
  enum class Cursor { good, refused, empty, first_page_again, same_again };
  std::function<Cursor(int)> cursor_rule = [](int) { return Cursor::good; };
  std::set<std::string> unreadable;  // ids: a page with one of them is not JSON

  struct Answer {
    bool refused = false;
    Page page;
    bool unreadable = false;
  };
  Answer ask(const PageRequest& request);
  int requests = 0;

 private:
  Answer answer(const PageRequest& request);
  struct Chain {
    std::vector<FakeRecord> matching;
    std::size_t size = 0;
  };
  std::vector<FakeRecord> select(const PageRequest& request) const;
  Page page_of(const std::vector<FakeRecord>& matching, std::size_t from, std::size_t size, const std::string& chain);
  std::map<std::string, Chain> chains_;
  int cursor_requests_ = 0;
};

}  // namespace auditferry
