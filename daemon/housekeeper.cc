#include "daemon/housekeeper.h"

#include "encoding/time_format.h"

namespace auditferry {
namespace {

constexpr Duration round_every = std::chrono::seconds(5);
constexpr Duration growth_window = std::chrono::hours(1);
constexpr Duration short_notice = std::chrono::hours(24);
constexpr std::uint64_t reserve_bytes = 16u << 20;
// Below this much free space even positions would soon not fit.
constexpr std::uint64_t nearly_nothing = 4u << 20;

}  // namespace

Housekeeper::Housekeeper(Clock& clock, Log& log, StorageQueue& storage, FileSystem& files, BlockingExecutor& blocking,
                         const JournalSettings& settings, std::string state_dir, std::vector<Poller*> pollers)
    : clock_(clock),
      log_(log),
      storage_(storage),
      files_(files),
      blocking_(blocking),
      settings_(settings),
      state_dir_(std::move(state_dir)),
      pollers_(std::move(pollers)) {}

void Housekeeper::set_pollers(std::vector<Poller*> pollers) {
  pollers_ = std::move(pollers);
  for (Poller* poller : pollers_) poller->hold(room());
}

Poller::Room Housekeeper::room() const {
  if (!full_because_.empty()) return Poller::Room::none;
  return disk_low_ ? Poller::Room::low : Poller::Room::enough;
}

Task<void> Housekeeper::run() {
  for (;;) {
    co_await round();
    co_await clock_.sleep(round_every);
  }
}

PruneRules Housekeeper::rules() const {
  PruneRules rules;
  rules.keep = settings_.keep;
  rules.remember = settings_.remember;
  rules.ledger_keep = settings_.ledger_keep;
  rules.max_bytes = settings_.max_size;
  for (const Poller* poller : pollers_) {
    if (const auto oldest = poller->oldest_needed()) rules.forget_before.emplace_back(poller->stream_id(), *oldest);
  }
  return rules;
}

Task<void> Housekeeper::round() {
  bool more = true;
  while (more) {
    const PruneRules rules = this->rules();
    const WallTime now = clock_.now();
    auto job = [&](Journal& journal) { return journal.prune(rules, now); };
    const Result<PruneStep> step = co_await storage_.run(job);
    if (!step) {
      log_.error("the journal could not be pruned: " + step.error().message);
      break;
    }
    used_bytes_ = step->used_bytes;
    if (step->released > 0) {
      log_.error("the journal is full: " + std::to_string(step->released) +
                 " undelivered records were released, of exporters that are not in use or have when_full = \"release\"; a gap tells which");
    }
    tell_fullness(*step);
    more = step->more;
  }
  watch_growth();
  co_await watch_disk();
  for (Poller* poller : pollers_) poller->hold(room());
}

void Housekeeper::tell_fullness(const PruneStep& step) {
  std::string because;
  if (step.no_records) {
    because = " and holds no record that could be removed: what fills it are the identities of records (journal.remember), the ledger and the "
              "quarantine (journal.ledger_keep). Polling waits: raise journal.max_size, or lower journal.remember or journal.ledger_keep";
  } else if (step.full) {
    because = " with records that " + (step.held_by.empty() ? std::string("an exporter") : "exporter " + step.held_by) +
              " has not delivered: polling waits. Repair that exporter, or raise journal.max_size";
  }
  if (because == full_because_) return;
  full_because_ = std::move(because);
  held_by_ = step.held_by;
  if (full_because_.empty()) {
    log_.info("the journal has room again: polling goes on");
  } else {
    log_.error("the journal has reached journal.max_size (" + format_size(settings_.max_size) + ")" + full_because_,
               held_by_.empty() ? std::vector<LogField>{} : std::vector<LogField>{{"exporter", held_by_}});
  }
}

std::optional<Duration> Housekeeper::full_in() const {
  if (samples_.size() < 2 || used_bytes_ >= settings_.max_size) return std::nullopt;
  const Sample& first = samples_.front();
  const Sample& last = samples_.back();
  const Duration passed = last.at - first.at;
  if (last.bytes <= first.bytes || passed < std::chrono::minutes(10)) return std::nullopt;
  const double per_microsecond = static_cast<double>(last.bytes - first.bytes) / static_cast<double>(passed.count());
  return Duration(static_cast<std::int64_t>(static_cast<double>(settings_.max_size - used_bytes_) / per_microsecond));
}

void Housekeeper::watch_growth() {
  const SteadyTime now = clock_.steady_now();
  samples_.push_back({now, used_bytes_});
  while (now - samples_.front().at > growth_window) samples_.pop_front();
  const std::optional<Duration> left = full_in();
  const bool soon = left && *left < short_notice;
  if (soon && !warned_of_growth_) {
    log_.error("the journal will reach journal.max_size in about " + format_duration(std::chrono::duration_cast<std::chrono::minutes>(*left)) +
               " at the present rate: see 'auditferry status' for the exporter that waits");
  }
  warned_of_growth_ = soon;
}

Task<void> Housekeeper::watch_disk() {
  auto look = [this] { return files_.free_bytes(state_dir_); };
  const Result<std::uint64_t> free = co_await run_blocking(blocking_, look);
  if (!free) co_return;
  const bool low = *free < settings_.min_free;
  if (low != disk_low_) {
    disk_low_ = low;
    if (low) {
      log_.error("the disk of daemon.state_dir has only " + format_size(*free) + " free, less than journal.min_free (" +
                 format_size(settings_.min_free) + "): polling waits, deliveries go on. Free some space");
    } else {
      log_.info("the disk has room again: polling goes on");
    }
  }
  const std::string path = state_dir_ + "/reserve";
  if (!reserve_kept_) {
    auto find = [&] { return files_.exists(path); };
    const Result<bool> found = co_await run_blocking(blocking_, find);
    reserve_kept_ = found.ok() && *found;
  }
  if (*reserve_kept_ && *free < nearly_nothing) {
    auto give = [&] { return files_.remove(path); };
    const Status given = co_await run_blocking(blocking_, give);
    reserve_kept_ = !given.ok();
  } else if (!*reserve_kept_ && *free > settings_.min_free + reserve_bytes) {
    auto take = [&]() -> Status {
      Result<std::unique_ptr<File>> file = files_.open(path, {});
      if (!file) return std::move(file).error();
      const Result<std::uint64_t> size = (*file)->size();
      if (!size) return size.error();
      if (*size >= reserve_bytes) return {};
      return (*file)->append(std::string(reserve_bytes - *size, '\0'));
    };
    reserve_kept_ = (co_await run_blocking(blocking_, take)).ok();
  }
}

}  // namespace auditferry
