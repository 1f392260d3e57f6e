#include "daemon/job_delivery.h"

#include <deque>
#include <numeric>

#include "daemon/backoff.h"
#include "daemon/verdict_judge.h"

namespace auditferry {
namespace {

using Indices = std::vector<std::size_t>;

// `indices` of `part`, which itself is indices of the records.
Indices within(const Indices& part, const Indices& indices) {
  Indices some;
  for (const std::size_t index : indices) some.push_back(part[index]);
  return some;
}

void note_fates(const Indices& part, const Judgement& judgement, bool group_is_refused, std::vector<JobFate>& fates) {
  for (const std::size_t record : part) fates[record] = {JobFate::Kind::delivered, {}};
  for (const std::size_t index : judgement.again) fates[part[index]] = {};
  for (const std::size_t index : judgement.unnamed)
    fates[part[index]] = group_is_refused ? JobFate{JobFate::Kind::refused, judgement.reason} : JobFate{};
  for (const RecordOutcome& one : judgement.refused) fates[part[one.index]] = {JobFate::Kind::refused, one.reason};
}

}  // namespace

Task<Status> deliver_for_job(Jobs& jobs, JobExporter& exporter, const std::vector<OutgoingRecord>& records, JobDeliveryRules rules,
                             std::vector<JobFate>& fates) {
  fates.assign(records.size(), {});
  Backoff backoff(jobs.world().random, std::chrono::seconds(1), exporter.settings->max_backoff);
  std::deque<Indices> parts(1, Indices(records.size()));
  std::iota(parts.front().begin(), parts.front().end(), std::size_t{0});
  for (int idle = 0; !parts.empty();) {
    const Indices part = std::move(parts.front());
    parts.pop_front();
    std::vector<OutgoingRecord> some;
    for (const std::size_t record : part) some.push_back(records[record]);
    const WriteOutcome outcome = co_await write_for_job(jobs, exporter, some);
    const Judgement judgement = judge(part.size(), outcome);
    const bool group_is_refused = judgement.group && !rules.groups_alone;
    note_fates(part, judgement, group_is_refused, fates);
    if (!judgement.unnamed.empty() && !group_is_refused) {
      const Indices unnamed = within(part, judgement.unnamed);
      if (judgement.group) {
        for (auto record = unnamed.rbegin(); record != unnamed.rend(); ++record) parts.push_front({*record});
      } else {
        auto [first, second] = halve(unnamed);
        parts.push_front(std::move(second));
        parts.push_front(std::move(first));
      }
    }
    if (judgement.again.empty()) continue;
    idle = judgement.delivered > 0 ? 0 : idle + 1;
    if (judgement.trouble == Verdict::pause || idle == rules.writes_without_progress) {
      co_return Error{ErrorKind::unavailable, takes_nothing(judgement.reason, outcome.retry_after)};
    }
    const std::optional<Duration> wait = wait_of_job(outcome.retry_after, backoff.next());
    if (!wait) co_return Error{ErrorKind::unavailable, takes_nothing(judgement.reason, outcome.retry_after)};
    parts.push_front(within(part, judgement.again));
    co_await jobs.world().clock.sleep(*wait);
  }
  co_return Status();
}

}  // namespace auditferry
