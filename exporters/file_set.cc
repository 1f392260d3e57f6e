#include "exporters/file_set.h"

#include <algorithm>

namespace auditferry {
namespace {

// Paths without an open file whose next number is remembered. For forgotten ones the disk is asked.
constexpr std::size_t max_closed_series = 10'000;
// Files that one tend() closes.
constexpr int closings_per_step = 50;

Verdict verdict_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::permission:
    case ErrorKind::busy:
    case ErrorKind::invalid:
    case ErrorKind::unsupported:
      return Verdict::pause;
    default:
      return Verdict::retry;
  }
}

}  // namespace

FileSet::FileSet(FileSystem& files, Log& log, const FileSettings& settings, std::string exporter)
    : settings_(settings),
      path_(PathTemplate::parse(settings.path).value()),
      world_{files, log, settings_, std::move(exporter)},
      closer_(world_) {}

void FileSet::load(const ExporterState& state, const Moment& now) {
  healthy_since_ = now.steady;
  for (const auto& [key, value] : state) {
    if (key.starts_with(series_key)) {
      const std::string path = key.substr(series_key.size());
      if (const auto progress = series_from_text(value)) {
        series_[path] = std::make_unique<FileSeries>(world_, path, *progress, now.steady);
        continue;
      }
    } else if (key.starts_with(closed_key)) {
      if (const auto closed = closed_from_text(key.substr(closed_key.size()), value)) {
        closer_.add(*closed);
        continue;
      }
    }
    // Harmless: a file that is not known is compared with what is to be written.
    world_.log.warn("what the journal holds about \"" + key + "\" cannot be read and is not used",
                    {{"exporter", world_.exporter}});
  }
}

FileSeries& FileSet::series_of(const std::string& path, const Moment& now) {
  std::unique_ptr<FileSeries>& series = series_[path];
  if (!series) series = std::make_unique<FileSeries>(world_, path, SeriesProgress{}, now.steady);
  return *series;
}

std::vector<FileSet::Group> FileSet::group(const std::vector<OutgoingRecord>& records, const Moment& now) {
  std::vector<Group> groups;
  std::unordered_map<FileSeries*, std::size_t> index;
  const Record* previous = nullptr;
  std::size_t at = 0;
  for (const OutgoingRecord& line : records) {
    if (!previous || !path_.same_path(*previous, *line.record)) {
      FileSeries& series = series_of(path_.expand(*line.record), now);
      const auto [found, is_new] = index.emplace(&series, groups.size());
      at = found->second;
      if (is_new) groups.push_back({&series, {}, path_.period_end(*line.record)});
    }
    groups[at].lines.push_back(&line);
    previous = line.record;
  }
  return groups;
}

WriteOutcome FileSet::write(const std::vector<OutgoingRecord>& records, const Moment& now) {
  const std::vector<Group> groups = group(records, now);
  if (Status written = write_groups(groups, now); !written) {
    for (const Group& each : groups) each.series->roll_back();
    forget_descriptors();
    return failed(written.error(), now);
  }
  WriteOutcome outcome;
  outcome.state = std::exchange(pending_, {});
  for (const Group& each : groups) commit(*each.series, outcome.state);
  return outcome;
}

Status FileSet::write_groups(const std::vector<Group>& groups, const Moment& now) {
  for (const Group& each : groups) {
    if (Status written = each.series->write(each.lines, each.period_end, now); !written) return written;
    if (Status held = hold(*each.series); !held) return held;
  }
  for (const Group& each : groups) {
    if (Status synced = each.series->sync(); !synced) return synced;
  }
  return sync_folders();
}

Status FileSet::sync_folders() {
  std::set<std::string>& folders = world_.unsynced_folders;
  while (!folders.empty()) {
    if (Status synced = world_.files.sync_folder(*folders.begin()); !synced) return synced;
    folders.erase(folders.begin());
  }
  return {};
}

Status FileSet::hold(FileSeries& used) {
  holding_.remove(&used);
  if (used.has_descriptor()) holding_.push_back(&used);
  while (holding_.size() > settings_.max_open) {
    if (Status released = holding_.front()->release(); !released) return released;
    holding_.pop_front();
  }
  return {};
}

void FileSet::forget_descriptors() {
  holding_.remove_if([](const FileSeries* series) { return !series->has_descriptor(); });
}

void FileSet::commit(FileSeries& series, ExporterState& changes) {
  const bool changed = series.changed();
  std::vector<ClosedFile> closed;
  series.commit(closed);
  if (changed) changes[std::string(series_key) + series.path()] = to_text(series.committed());
  for (ClosedFile& file : closed) {
    changes[std::string(closed_key) + file.path] = to_text(file);
    closer_.add(std::move(file));
  }
}

WriteOutcome FileSet::tend(const Moment& now) {
  ExporterState changes;
  // First what was closed before: its closing has been noted down, that of the others has not yet.
  Status status = closer_.step(changes);
  Status closed = close_old_files(now, changes);
  if (status.ok()) status = std::move(closed);
  forget_old_series(changes);
  pending_.merge(changes);
  for (auto& [key, value] : changes) pending_[key] = value;  // those that were there already
  if (!status) return failed(status.error(), now);
  WriteOutcome outcome;
  outcome.state = std::exchange(pending_, {});
  return outcome;
}

Status FileSet::close_old_files(const Moment& now, ExporterState& changes) {
  int closings = 0;
  Status first_failure;
  for (auto& [path, series] : series_) {
    if (!series->committed().open) continue;
    Status closed = series->close_if_due(now, healthy_since_);
    if (!closed) {
      series->roll_back();
      if (first_failure.ok()) first_failure = std::move(closed);
      continue;
    }
    if (!series->changed()) continue;
    commit(*series, changes);
    if (++closings == closings_per_step) break;
  }
  forget_descriptors();
  return first_failure;
}

void FileSet::forget_old_series(ExporterState& changes) {
  if (series_.size() <= max_closed_series) return;
  std::vector<FileSeries*> closed;
  for (auto& [path, series] : series_) {
    if (!series->committed().open && !series->changed()) closed.push_back(series.get());
  }
  if (closed.size() <= max_closed_series) return;
  const auto last = closed.begin() + static_cast<std::ptrdiff_t>(closed.size() - max_closed_series);
  std::nth_element(closed.begin(), last - 1, closed.end(), [](const FileSeries* a, const FileSeries* b) {
    return a->committed().closed < b->committed().closed;
  });
  for (auto each = closed.begin(); each != last; ++each) {
    changes[std::string(series_key) + (*each)->path()] = "";
    holding_.remove(*each);
    series_.erase(std::string((*each)->path()));
  }
}

void FileSet::reopen(const Moment& now) {
  for (FileSeries* series : std::list<FileSeries*>(holding_)) {
    // What cannot be looked at now is looked at before the next line.
    const Status reopened = series->reopen(now);
    if (!reopened) series->roll_back();
    commit(*series, pending_);
  }
  forget_descriptors();
}

void FileSet::close() {
  for (FileSeries* series : holding_) {
    const Status released = series->release();
    if (!released) series->roll_back();
  }
  holding_.clear();
}

WriteOutcome FileSet::failed(const Error& error, const Moment& now) {
  healthy_since_ = now.steady;
  WriteOutcome outcome;
  outcome.verdict = verdict_for(error.kind);
  outcome.reason = error.message;
  return outcome;
}

Status FileSet::greet() {
  std::string folder = path_.fixed_folder();
  for (;;) {
    Result<bool> there = world_.files.exists(folder);
    if (!there) return std::move(there).error();
    if (*there) break;
    folder = folder_of(folder);
  }
  OpenOptions options;
  options.group = settings_.group;
  const std::string trial = folder + "/.auditferry-check.tmp";
  Result<std::unique_ptr<File>> file = world_.files.open(trial, options);
  if (!file) return std::move(file).error();
  file->reset();
  return world_.files.remove(trial);
}

}  // namespace auditferry
