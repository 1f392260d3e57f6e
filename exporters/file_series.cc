#include "exporters/file_series.h"

#include <algorithm>

#include "core/kill_point.h"
#include "encoding/json_object.h"
#include "exporters/path_template.h"

namespace auditferry {
namespace {

// An unknown tail that no record has claimed for so long, while everything worked, is nobody's.
constexpr Duration tail_patience = std::chrono::hours(1);
// Lines are put together and written in pieces of this size, whatever a batch has.
constexpr std::size_t most_at_once = 1u << 20;

// Never makes it longer.
Status shorten(File& file, std::uint64_t length) {
  Result<std::uint64_t> size = file.size();
  if (!size) return std::move(size).error();
  if (*size <= length) return {};
  return file.truncate(length);
}

JsonObject describe(const std::string& path, const FileProgress& progress) {
  JsonObject object;
  object.text("path", path).number("first_seq", progress.first_seq).number("last_seq", progress.last_seq);
  object.number("records", progress.records).number("bytes", progress.bytes);
  return object;
}

}  // namespace

FileSeries::FileSeries(FileWorld& world, std::string path, SeriesProgress committed, SteadyTime now)
    : world_(world), path_(std::move(path)), committed_(committed), current_(committed), last_write_(now) {}

std::string FileSeries::current_path() const {
  return numbered_path(path_, current_.open->number);
}

OpenOptions FileSeries::open_options(bool create) const {
  OpenOptions options;
  options.create = create;
  options.mode = world_.settings.mode;
  options.group = world_.settings.group;
  return options;
}

Status FileSeries::write(Lines lines, WallTime period_end, const Moment& now) {
  period_end_ = period_end;
  last_write_ = now.steady;
  while (!lines.empty()) {
    if (Status prepared = prepare(lines, now); !prepared) return prepared;
    if (tail_bytes() > 0) {
      Result<std::size_t> adopted = adopt(lines, now);
      if (!adopted) return std::move(adopted).error();
      lines = lines.subspan(*adopted);
      continue;
    }
    bool full = is_due(now);
    if (!full && recovering_) {
      Result<bool> continues = continues_in_next(lines);
      if (!continues) return std::move(continues).error();
      full = *continues;
    }
    const std::size_t fitting = full ? 0 : lines_that_fit(lines);
    if (fitting == 0) {
      if (Status closed = close_current(now); !closed) return closed;
      continue;
    }
    recovering_ = false;
    if (Status appended = append(lines.first(fitting)); !appended) return appended;
    lines = lines.subspan(fitting);
  }
  return {};
}

bool FileSeries::is_due(const Moment& now) const {
  const Duration every = world_.settings.rotate_every;
  return every > Duration::zero() && current_.open->bytes > 0 && now.wall - current_.open->opened >= every;
}

std::size_t FileSeries::lines_that_fit(Lines lines) const {
  const std::uint64_t limit = world_.settings.rotate_size;
  if (limit == 0) return lines.size();
  std::uint64_t bytes = current_.open->bytes;
  std::size_t count = 0;
  for (const OutgoingRecord* line : lines) {
    const std::uint64_t longer = bytes + line->bytes.size() + 1;
    if (bytes > 0 && longer > limit) break;
    bytes = longer;
    ++count;
  }
  return count;
}

Status FileSeries::append(Lines lines) {
  if (!appended_from_) appended_from_ = size_;
  unsynced_ = true;
  std::string& buffer = world_.buffer;
  buffer.clear();
  for (const OutgoingRecord* line : lines) {
    buffer += line->bytes;
    buffer += '\n';
    if (buffer.size() < most_at_once) continue;
    if (Status appended = append_buffer(); !appended) return appended;
  }
  if (Status appended = append_buffer(); !appended) return appended;
  for (const OutgoingRecord* line : lines) account(*line, line->bytes.size() + 1);
  return {};
}

Status FileSeries::append_buffer() {
  std::string& buffer = world_.buffer;
  if (buffer.empty()) return {};
  if (Status appended = file_->append(buffer); !appended) return appended;
  size_ += buffer.size();
  buffer.clear();
  return {};
}

void FileSeries::account(const OutgoingRecord& line, std::uint64_t bytes) {
  FileProgress& open = *current_.open;
  if (open.records == 0) open.first_seq = line.record->seq;
  open.last_seq = line.record->seq;
  ++open.records;
  open.bytes += bytes;
  changed_ = true;
}

Status FileSeries::sync() {
  if (!unsynced_ || !file_) return {};
  if (Status synced = file_->sync(); !synced) return synced;
  unsynced_ = false;
  return {};
}

Status FileSeries::close_current(const Moment& now) {
  // The next file must not be on the disk before this one is.
  if (Status synced = sync(); !synced) return synced;
  kill_point("rotate.before");
  closed_.push_back({current_path(), *current_.open, world_.settings.compress, false});
  next_number(current_.open->number + 1, now);
  kill_point("rotate.after");
  return {};
}

void FileSeries::next_number(std::uint64_t number, const Moment& now) {
  file_.reset();
  current_.open.reset();
  current_.next_number = number;
  current_.closed = now.wall;
  appended_from_.reset();
  tail_seen_.reset();
  unsynced_ = false;
  changed_ = true;
}

Status FileSeries::abandon(const std::string& why, const Moment& now) {
  if (Status synced = sync(); !synced) return synced;
  const std::string path = current_path();
  notes_.emplace_back("file_abandoned",
                      describe(path, *current_.open).number("size", size_).text("why", why).finish());
  world_.log.warn(path + " is left as it is and the next number begins: " + why, fields());
  next_number(current_.open->number + 1, now);
  return {};
}

void FileSeries::leave_moved(const Moment& now) {
  const std::string path = current_path();
  if (current_.open->records > 0) {
    notes_.emplace_back("file_closed", describe(path, *current_.open).boolean("moved", true).finish());
  }
  world_.log.info(path + " was moved away or removed by somebody; a new file begins", fields());
  next_number(current_.open->number, now);
}

void FileSeries::commit(std::vector<ClosedFile>& closed) {
  committed_ = current_;
  closed.insert(closed.end(), closed_.begin(), closed_.end());
  world_.notes.insert(world_.notes.end(), notes_.begin(), notes_.end());
  closed_.clear();
  notes_.clear();
  examined_ = false;
  changed_ = false;
  appended_from_.reset();
}

void FileSeries::roll_back() {
  if (file_ && appended_from_) {
    // Also what was adopted: after a failed sync nobody knows which of it is on the disk.
    const bool same_file = committed_.open && committed_.open->number == current_.open->number;
    cut_ = Cut{current_path(), std::min(*appended_from_, same_file ? committed_.open->bytes : 0)};
    if (shorten(*file_, cut_->length).ok()) cut_.reset();
  }
  file_.reset();
  current_ = committed_;
  closed_.clear();
  notes_.clear();
  examined_ = false;
  changed_ = false;
  unsynced_ = false;
  recovering_ = true;
  appended_from_.reset();
}

Status FileSeries::finish_cut() {
  if (!cut_) return {};
  Result<std::unique_ptr<File>> opened = world_.files.open(cut_->path, open_options(false));
  if (!opened && opened.error().kind != ErrorKind::not_found) return std::move(opened).error();
  if (opened) {
    if (Status cut = shorten(**opened, cut_->length); !cut) return cut;
  }
  cut_.reset();
  return {};
}

Status FileSeries::close_if_due(const Moment& now, SteadyTime healthy_since) {
  if (!current_.open || current_.open->records == 0) return {};
  const Duration quiet = world_.settings.close_after;
  const WallTime end = current_.open->period_end;
  const bool over = end != WallTime::max() && now.wall - end >= quiet && now.steady - last_write_ >= quiet;
  if (!over && !is_due(now)) return {};
  if (Status cut = finish_cut(); !cut) return cut;
  if (Status examined = examine(now); !examined) return examined;
  if (!current_.open) return {};
  if (tail_bytes() == 0) return close_current(now);
  // Records that are still on their way may claim it.
  if (now.steady - std::max(*tail_seen_, healthy_since) < tail_patience) return {};
  return abandon("it holds something that auditferry did not write there", now);
}

Status FileSeries::release() {
  if (Status synced = sync(); !synced) return synced;
  file_.reset();
  return {};
}

Status FileSeries::reopen(const Moment& now) {
  if (file_) {
    Result<bool> still = file_->still_at_its_path();
    if (!still) return std::move(still).error();
    if (!*still) leave_moved(now);
  }
  return release();
}

}  // namespace auditferry
