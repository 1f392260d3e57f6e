#include "storage/page_intake.h"

#include <algorithm>
#include <numeric>

namespace auditferry {
namespace {

// So many records of one page that share an id with another one, but not its content, are not revisions
// that a portal made: a field that is no id was named as one.
constexpr std::size_t few_clashes = 3;

struct Clashes {
  std::size_t count = 0;
  std::string_view example;
  std::vector<std::uint32_t> revision;  // per record; 2 and more where the page shows one id several times
};

Clashes find_clashes(const std::vector<PageRecord>& records) {
  Clashes clashes;
  clashes.revision.assign(records.size(), 1);
  std::vector<std::size_t> order(records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&records](std::size_t a, std::size_t b) {
    if (records[a].id != records[b].id) return records[a].id < records[b].id;
    return records[a].time < records[b].time;
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const PageRecord& before = records[order[i - 1]];
    const PageRecord& record = records[order[i]];
    if (!record.has_id || before.id != record.id || before.content == record.content) continue;
    ++clashes.count;
    clashes.example = record.id;
    // Within one time the identity table numbers revisions itself.
    if (before.time != record.time) clashes.revision[order[i]] = clashes.revision[order[i - 1]] + 1;
  }
  return clashes;
}

Error not_an_id(const PageToStore& page, const Clashes& clashes) {
  return Error{ErrorKind::invalid, "source " + page.source + ": " + std::to_string(clashes.count) + " of " +
                                       std::to_string(page.page->records.size()) + " records of one page share their id with another record (for "
                                       "example \"" + std::string(clashes.example) +
                                       "\") but differ in content, so the field is not an id: set fields.id of this stream in the profile (or "
                                       "id of the stream in the configuration) to a field that is, or to \"\" if there is none"};
}

}  // namespace

Result<PageIntake> take_in(IdentityTable& identities, const PageToStore& page) {
  const std::vector<PageRecord>& records = page.page->records;
  const Clashes clashes = find_clashes(records);
  if (clashes.count > few_clashes && clashes.count * 10 > records.size()) return not_an_id(page, clashes);

  PageIntake intake;
  std::vector<std::size_t> order(records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Ascending, so that neighbours go into the identity tree one after the other; stable, so that the
  // portal's own order decides what is a revision of what.
  std::stable_sort(order.begin(), order.end(), [&records](std::size_t a, std::size_t b) {
    if (records[a].time != records[b].time) return records[a].time < records[b].time;
    return id_less(records[a].id, records[b].id);
  });
  intake.fresh.reserve(records.size());
  for (const std::size_t index : order) {
    const PageRecord& record = records[index];
    if (record.has_time) {
      if (!intake.first_time) intake.first_time = record.time;
      intake.last_time = record.time;
    }
    std::string_view id = record.id;
    if (!record.has_id && index < page.occurrences.size() && page.occurrences[index] > 1) {
      intake.names.push_back(record.id + "#" + std::to_string(page.occurrences[index]));
      id = intake.names.back();
    }
    const IdentityTable::Answer answer = identities.see(page.stream_id, record.time, id, record.content);
    if (answer.seen == IdentityTable::Seen::same_content) {
      ++intake.duplicates;
      continue;
    }
    Record fresh;
    fresh.id = id;
    fresh.time = record.time;
    fresh.has_time = record.has_time;
    fresh.repaired = record.repaired;
    fresh.raw = record.raw;
    fresh.revision = std::max(answer.revision, clashes.revision[index]);
    if (fresh.revision > 1) ++intake.revisions;
    const auto was_shown = [&record](const TimeRange& range) { return range.contains(record.time); };
    if (record.has_time && std::any_of(page.shown.begin(), page.shown.end(), was_shown)) {
      const Duration lateness = page.received - record.time;
      ++intake.late;
      intake.latest = std::max(intake.latest, lateness);
      ++intake.lateness[lateness_step(lateness)];
    }
    intake.fresh.push_back(fresh);
  }
  return intake;
}

}  // namespace auditferry
