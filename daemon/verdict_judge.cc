#include "daemon/verdict_judge.h"

#include <algorithm>

#include "core/check.h"

namespace auditferry {
namespace {

void add_trouble(Judgement& judgement, Verdict verdict, const std::string& reason) {
  if (judgement.trouble == Verdict::pause || judgement.trouble == verdict) return;
  judgement.trouble = verdict;
  judgement.reason = reason;
}

void add_named(Judgement& judgement, const RecordOutcome& one, const std::string& batch_reason) {
  const std::string& reason = one.reason.empty() ? batch_reason : one.reason;
  switch (one.verdict) {
    case Verdict::delivered: ++judgement.delivered; return;
    case Verdict::retry:
    case Verdict::pause:
      judgement.again.push_back(one.index);
      add_trouble(judgement, one.verdict, reason);
      return;
    case Verdict::poison:
    case Verdict::refused: judgement.refused.push_back({one.index, Verdict::poison, reason}); return;
  }
}

void add_unnamed(Judgement& judgement, const std::vector<std::size_t>& unnamed, const WriteOutcome& outcome) {
  if (unnamed.empty()) return;
  switch (outcome.verdict) {
    case Verdict::delivered: judgement.delivered += unnamed.size(); return;
    case Verdict::retry:
    case Verdict::pause:
      judgement.again = unnamed;
      add_trouble(judgement, outcome.verdict, outcome.reason);
      return;
    case Verdict::poison:
    case Verdict::refused: break;
  }
  judgement.reason = outcome.reason;
  if (unnamed.size() == 1) {
    judgement.refused.push_back({unnamed.front(), Verdict::poison, outcome.reason});
  } else {
    judgement.unnamed = unnamed;
    judgement.group = outcome.verdict == Verdict::poison;
  }
}

template <class Value, class Key>
void sort_by(std::vector<Value>& values, Key key) {
  std::sort(values.begin(), values.end(), [&key](const Value& a, const Value& b) { return key(a) < key(b); });
}

}  // namespace

Judgement judge(std::size_t count, const WriteOutcome& outcome) {
  Judgement judgement;
  std::vector<const RecordOutcome*> named(count, nullptr);
  for (const RecordOutcome& one : outcome.records) {
    if (one.index < count) named[one.index] = &one;
  }
  std::vector<std::size_t> unnamed;
  for (std::size_t i = 0; i < count; ++i) {
    if (named[i] == nullptr) unnamed.push_back(i);
  }
  add_unnamed(judgement, unnamed, outcome);
  for (const RecordOutcome* one : named) {
    if (one != nullptr) add_named(judgement, *one, outcome.reason);
  }
  sort_by(judgement.again, [](std::size_t index) { return index; });
  sort_by(judgement.refused, [](const RecordOutcome& one) { return one.index; });
  return judgement;
}

std::pair<std::vector<std::size_t>, std::vector<std::size_t>> halve(const std::vector<std::size_t>& indices) {
  AUDITFERRY_CHECK(indices.size() >= 2);
  const auto middle = indices.begin() + static_cast<std::ptrdiff_t>((indices.size() + 1) / 2);
  return {{indices.begin(), middle}, {middle, indices.end()}};
}

}  // namespace auditferry
