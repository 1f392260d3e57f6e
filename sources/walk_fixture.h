#pragma once
// Walking a FakeLog to the end of a window, and what must be true afterwards. For tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sources/walk.h"
#include "tests/support/fake_log.h"

namespace auditferry::walk_fixture {

constexpr std::int64_t base = 1'763'890'000;
inline WallTime at(std::int64_t second) { return from_micros((base + second) * 1'000'000); }

struct Walked {
  std::set<std::string> ids;
  std::set<std::string> equal;  // "ID#n" of those that counted as the n-th equal one
  std::vector<TimeRange> covered;
  std::vector<WalkGap> gaps;
  int requests = 0;
  bool disorder = false;
};

// Walks the window to its end, through state() and resume() after every page when `restarts` says so.
inline Walked walk_all(FakeLog& log, WalkRules rules, TimeRange window, bool restarts = false, int limit = 5000) {
  NewestFirstWalk walk = NewestFirstWalk::begin(rules, window);
  Walked walked;
  while (!walk.done() && walked.requests < limit) {
    ++walked.requests;
    const FakeLog::Answer answer = log.ask(walk.next_request());
    if (answer.refused) {
      walk.on_cursor_refused();
    } else if (answer.unreadable) {
      walk.on_unreadable("not JSON");
    } else {
      const std::vector<std::uint32_t> numbers = walk.on_page(answer.page);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::string& id = answer.page.records[i].id;
        walked.ids.insert(id);
        if (numbers[i] > 1) walked.equal.insert(id + "#" + std::to_string(numbers[i]));
      }
    }
    for (WalkGap& gap : walk.take_gaps()) walked.gaps.push_back(std::move(gap));
    walked.disorder = walked.disorder || walk.found_disorder();
    if (restarts) {
      Result<NewestFirstWalk> resumed = NewestFirstWalk::resume(rules, walk.state());
      EXPECT_TRUE(resumed.ok());
      walk = std::move(resumed).value();
    }
  }
  EXPECT_TRUE(walk.done()) << "the walk does not end";
  walked.covered = walk.covered();
  return walked;
}

inline FakeLog even_log(int count, int per_second = 1) {
  FakeLog log;
  for (int i = 0; i < count; ++i) log.records.push_back({base + i / per_second, std::to_string(i), i});
  return log;
}

inline std::set<std::string> ids_within(const FakeLog& log, TimeRange window) {
  std::set<std::string> ids;
  for (const FakeRecord& record : log.records) {
    if (window.contains(from_micros(record.second * 1'000'000))) ids.insert(record.id);
  }
  return ids;
}

inline bool includes(const std::set<std::string>& all, const std::set<std::string>& part) {
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

inline bool whole(const Walked& walked, TimeRange window) { return walked.covered == std::vector<TimeRange>{window}; }

// Every record that was visible within what the walk calls covered has been shown.
inline void expect_nothing_passed_over(const FakeLog& log, const Walked& walked, const std::string& what) {
  for (const FakeRecord& record : log.records) {
    const WallTime time = from_micros(record.second * 1'000'000);
    if (walked.ids.count(record.id)) continue;
    for (const TimeRange& range : walked.covered) EXPECT_FALSE(range.contains(time)) << what << ": record at " << record.second - base;
  }
}

}  // namespace auditferry::walk_fixture
