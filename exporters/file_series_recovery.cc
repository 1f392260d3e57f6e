// The part of FileSeries that finds out what is on the disk already.
#include <algorithm>

#include "exporters/file_series.h"
#include "exporters/path_template.h"

namespace auditferry {
namespace {

constexpr std::uint64_t max_number = 1'000'000'000;
// What is compared with the disk at a time.
constexpr std::size_t window_bytes = 1u << 20;

// True when `bytes` is how the line and its end begin (or all of it).
bool begins_line(std::string_view bytes, std::string_view line) {
  if (bytes.size() <= line.size()) return line.starts_with(bytes);
  return bytes.size() == line.size() + 1 && bytes.back() == '\n' && bytes.starts_with(line);
}

}  // namespace

// Afterwards there is a file whose size and path were looked at.
Status FileSeries::prepare(Lines lines, const Moment& now) {
  if (Status cut = finish_cut(); !cut) return cut;
  if (current_.open && !examined_) {
    if (Status examined = examine(now); !examined) return examined;
  }
  if (current_.open) return {};
  return open_fresh(lines, now);
}

Status FileSeries::examine(const Moment& now) {
  if (file_) {
    Result<bool> still = file_->still_at_its_path();
    if (!still) return std::move(still).error();
    if (!*still) {
      leave_moved(now);
      return {};
    }
  } else {
    Result<std::unique_ptr<File>> opened = world_.files.open(current_path(), open_options(false));
    if (!opened && opened.error().kind != ErrorKind::not_found) return std::move(opened).error();
    if (!opened) {
      Result<bool> compressed = compressed_exists(current_.open->number);
      if (!compressed) return std::move(compressed).error();
      // Compressed by us before the closing was noted down: that number is used up.
      if (*compressed) {
        next_number(current_.open->number + 1, now);
      } else {
        leave_moved(now);
      }
      return {};
    }
    file_ = std::move(opened).value();
  }
  return examine_size(now);
}

Status FileSeries::examine_size(const Moment& now) {
  Result<std::uint64_t> size = file_->size();
  if (!size) return std::move(size).error();
  size_ = *size;
  examined_ = true;
  FileProgress& open = *current_.open;
  if (size_ == open.bytes) {
    tail_seen_.reset();
  } else if (size_ > open.bytes) {
    if (!tail_seen_) tail_seen_ = now.steady;
  } else {
    bool whole_lines = size_ == 0;
    if (!whole_lines) {
      Result<std::string> last = file_->read(size_ - 1, 1);
      if (!last) return std::move(last).error();
      whole_lines = *last == "\n";
    }
    if (!whole_lines) return abandon("somebody shortened it in the middle of a line", now);
    world_.log.warn(current_path() + " was shortened by somebody from " + std::to_string(open.bytes) +
                        " to " + std::to_string(size_) + " bytes; writing goes on at its end",
                    fields());
    open.bytes = size_;
    changed_ = true;
  }
  return {};
}

Result<bool> FileSeries::compressed_exists(std::uint64_t number) {
  const std::string path = numbered_path(path_, number);
  for (const Compression kind : {Compression::zstd, Compression::gzip}) {
    Result<bool> there = world_.files.exists(path + std::string(extension(kind)));
    if (!there || *there) return there;
  }
  return false;
}

Result<bool> FileSeries::begins_like(File& file, std::uint64_t size, Lines lines) {
  const std::string_view line = lines.front()->bytes;
  const std::uint64_t wanted = std::min<std::uint64_t>(size, line.size() + 1);
  Result<std::string> bytes = file.read(0, static_cast<std::size_t>(wanted));
  if (!bytes) return std::move(bytes).error();
  return begins_line(*bytes, line);
}

// The first number that is free, or whose file begins with what is to be written: then we were here before
// and ended before the position was noted down.
Status FileSeries::open_fresh(Lines lines, const Moment& now) {
  for (std::uint64_t number = current_.next_number; number < max_number; ++number) {
    Result<bool> compressed = compressed_exists(number);
    if (!compressed) return std::move(compressed).error();
    if (*compressed) continue;
    const std::string path = numbered_path(path_, number);
    Result<std::unique_ptr<File>> opened = world_.files.open(path, open_options(true));
    if (!opened && opened.error().kind == ErrorKind::not_found) {
      const FileSettings& settings = world_.settings;
      if (Status made = world_.files.create_folders(folder_of(path), settings.folder_mode(), settings.group); !made) return made;
      opened = world_.files.open(path, open_options(true));
    }
    if (!opened) return std::move(opened).error();
    Result<std::uint64_t> size = (*opened)->size();
    if (!size) return std::move(size).error();
    if (*size > 0) {
      Result<bool> ours = begins_like(**opened, *size, lines);
      if (!ours) return std::move(ours).error();
      if (!*ours) {
        world_.log.info(path + " is there already and is not touched; the next number is tried", fields());
        continue;
      }
    }
    file_ = std::move(opened).value();
    size_ = *size;
    examined_ = true;
    unsynced_ = true;
    changed_ = true;
    tail_seen_.reset();
    world_.unsynced_folders.insert(folder_of(path));
    current_.open = FileProgress{number, 0, 0, 0, 0, now.wall, period_end_};
    return {};
  }
  return Error{ErrorKind::invalid, "there are too many numbered files of " + path_ + "; move some away"};
}

// Returns how many lines were found on the disk. Afterwards either all lines are used up, or there is no
// tail any more (it was used up, cut, or the file was abandoned).
Result<std::size_t> FileSeries::adopt(Lines lines, const Moment& now) {
  FileProgress& open = *current_.open;
  std::string window;
  std::size_t at = 0;  // of the next line in the window
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (tail_bytes() == 0) return i;
    const std::string_view line = lines[i]->bytes;
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(line.size() + 1, tail_bytes()));
    if (window.size() - at < wanted) {
      const std::uint64_t length = std::min<std::uint64_t>(std::max(wanted, window_bytes), tail_bytes());
      Result<std::string> bytes = file_->read(open.bytes, static_cast<std::size_t>(length));
      if (!bytes) return std::move(bytes).error();
      if (bytes->size() < wanted)
        return Error{ErrorKind::io, current_path() + " became shorter while it was read; trying again"};
      window = std::move(bytes).value();
      at = 0;
    }
    const std::string_view found(window.data() + at, wanted);
    if (!begins_line(found, line)) {
      if (Status left = abandon("it holds something that auditferry did not write there", now); !left)
        return std::move(left).error();
      return i;
    }
    unsynced_ = true;
    if (wanted <= line.size()) {
      if (Status cut = file_->truncate(open.bytes); !cut) return std::move(cut).error();
      size_ = open.bytes;
      world_.log.info("the incomplete last line of " + current_path() + " was cut and is written again",
                      fields());
      return i;
    }
    at += wanted;
    account(*lines[i], wanted);
  }
  return lines.size();
}

// Before the crash the file may have been closed and the next one begun.
Result<bool> FileSeries::continues_in_next(Lines lines) {
  const std::string path = numbered_path(path_, current_.open->number + 1);
  Result<bool> there = world_.files.exists(path);
  if (!there || !*there) return there;
  Result<std::unique_ptr<File>> next = world_.files.open(path, open_options(false));
  if (!next && next.error().kind == ErrorKind::not_found) return false;
  if (!next) return std::move(next).error();
  Result<std::uint64_t> size = (*next)->size();
  if (!size) return std::move(size).error();
  if (*size == 0 || current_.open->bytes == 0) return false;
  return begins_like(**next, *size, lines);
}

}  // namespace auditferry
