#include "tests/support/fake_log.h"

#include <algorithm>

#include "encoding/hash.h"

namespace auditferry {

std::vector<FakeRecord> FakeLog::select(const PageRequest& request) const {
  std::vector<FakeRecord> matching;
  for (const FakeRecord& record : records) {
    const WallTime time = from_micros(record.second * 1'000'000);
    if (!ignores_start && request.from && (exclusive ? time <= *request.from : time < *request.from)) continue;
    if (!ignores_end && request.to && (exclusive ? time >= *request.to : time > *request.to)) continue;
    matching.push_back(record);
  }
  std::stable_sort(matching.begin(), matching.end(), [](const FakeRecord& a, const FakeRecord& b) { return a.event > b.event; });
  return matching;
}

Page FakeLog::page_of(const std::vector<FakeRecord>& matching, std::size_t from, std::size_t size, const std::string& chain) {
  Page page;
  auto text = std::make_shared<std::string>("{}");
  page.storage = text;
  const std::size_t end = std::min(matching.size(), from + size);
  for (std::size_t at = from; at < end; ++at) {
    PageRecord record;
    record.raw = *text;
    record.id = matching[at].id;
    record.time = from_micros(matching[at].second * 1'000'000);
    record.content = short_hash(matching[at].id + "/" + std::to_string(matching[at].second));
    page.records.push_back(record);
  }
  if (end < matching.size() || (cursor_after_last_page && from < matching.size())) page.cursor = chain + ":" + std::to_string(end);
  return page;
}

FakeLog::Answer FakeLog::ask(const PageRequest& request) {
  ++requests;
  Answer given = answer(request);
  const auto is_bad = [this](const PageRecord& record) { return unreadable.count(record.id) > 0; };
  if (std::any_of(given.page.records.begin(), given.page.records.end(), is_bad)) given = Answer{false, {}, true};
  return given;
}

FakeLog::Answer FakeLog::answer(const PageRequest& request) {
  const std::size_t size = std::min(request.page_size, server_page_limit);
  const std::size_t skipped = page_numbers ? request.page * size : request.offset;
  if (!request.cursor && skipped == 0) {
    const std::string name = std::to_string(chains_.size());
    chains_[name] = {select(request), size};
    return {false, page_of(chains_[name].matching, 0, size, name), false};
  }
  if (!request.cursor) return {false, page_of(select(request), skipped, size, ""), false};
  const std::size_t colon = request.cursor->find(':');
  const std::string name = request.cursor->substr(0, colon);
  const Chain& chain = chains_.at(name);
  const std::size_t from = std::stoul(request.cursor->substr(colon + 1));
  switch (cursor_rule(++cursor_requests_)) {
    case Cursor::good: return {false, page_of(chain.matching, from, chain.size, name), false};
    case Cursor::refused: return {true, {}, false};
    case Cursor::empty: return {false, {}, false};
    case Cursor::first_page_again: return {false, page_of(chain.matching, 0, chain.size, name), false};
    case Cursor::same_again: {
      Page page = page_of(chain.matching, from - std::min(from, chain.size), chain.size, name);
      page.cursor = request.cursor;
      return {false, page, false};
    }
  }
  return {};
}

}  // namespace auditferry
