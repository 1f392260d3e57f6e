#include "exporters/file_closer.h"

#include <algorithm>

#include "encoding/json_object.h"
#include "exporters/path_template.h"

namespace auditferry {
namespace {

// A fixed size, so that the same file gives the same compressed bytes again.
constexpr std::size_t piece_bytes = 1u << 20;
// About a tenth of a second of work, for gzip half a second.
constexpr int pieces_per_step = 32;
constexpr int gzip_pieces_per_step = 8;

Status ignore_missing(Status status) {
  if (!status && status.error().kind == ErrorKind::not_found) return {};
  return status;
}

}  // namespace

struct FileCloser::Work {
  explicit Work(Compression kind) : compressor(kind) {}
  std::unique_ptr<File> file;
  std::unique_ptr<File> compressed;  // null: only the hash is wanted
  StreamCompressor compressor;
  Sha256Stream hash;
  std::uint64_t offset = 0;
};

std::string FileCloser::compressed_path() const {
  const ClosedFile& file = waiting_.front();
  return file.path + std::string(extension(file.compress));
}

std::string FileCloser::temporary_path() const {
  const std::string path = compressed_path();
  return folder_of(path) + "/." + path.substr(path.rfind('/') + 1) + ".tmp";
}

Status FileCloser::step(ExporterState& changes) {
  if (waiting_.empty()) return {};
  if (waiting_.front().compressed) return remove_original(changes);
  Status status = work_ ? read_on(changes) : begin(changes);
  if (!status) {
    work_.reset();
    if (waiting_.front().compress != Compression::none) {
      const Status ignored = world_.files.remove(temporary_path());
      static_cast<void>(ignored);  // tried again when the file is begun anew
    }
  }
  return status;
}

Status FileCloser::begin(ExporterState& changes) {
  const ClosedFile& closed = waiting_.front();
  OpenOptions options;
  options.create = false;
  options.lock = false;  // nobody writes it any more, and a reader's lock is no reason to wait
  Result<std::unique_ptr<File>> file = world_.files.open(closed.path, options);
  if (!file && file.error().kind == ErrorKind::not_found) {
    world_.log.info(closed.path + " was moved away or removed before it could be hashed",
                    {{"exporter", world_.exporter}});
    note_closed("");
    done(changes);
    return {};
  }
  if (!file) return std::move(file).error();
  Result<std::uint64_t> size = (*file)->size();
  if (!size) return std::move(size).error();
  Compression kind = closed.compress;
  if (*size != closed.progress.bytes && kind != Compression::none) {
    world_.log.warn(closed.path + " was changed by somebody after it was closed, so it is not compressed",
                    {{"exporter", world_.exporter}});
    kind = Compression::none;
  }
  auto work = std::make_shared<Work>(kind);
  work->file = std::move(file).value();
  if (closed.compress != Compression::none) {
    // A leftover of an earlier try.
    if (Status removed = ignore_missing(world_.files.remove(temporary_path())); !removed) return removed;
  }
  if (kind != Compression::none) {
    options.create = true;
    options.exclusive = true;
    options.mode = world_.settings.mode;
    options.group = world_.settings.group;
    Result<std::unique_ptr<File>> compressed = world_.files.open(temporary_path(), options);
    if (!compressed) return std::move(compressed).error();
    work->compressed = std::move(compressed).value();
  }
  work_ = std::move(work);
  return read_on(changes);
}

Status FileCloser::read_on(ExporterState& changes) {
  const std::uint64_t wanted = waiting_.front().progress.bytes;
  const int pieces = waiting_.front().compress == Compression::gzip ? gzip_pieces_per_step : pieces_per_step;
  std::string out;
  for (int i = 0; i < pieces && work_->offset < wanted; ++i) {
    const std::uint64_t length = std::min<std::uint64_t>(piece_bytes, wanted - work_->offset);
    Result<std::string> piece = work_->file->read(work_->offset, static_cast<std::size_t>(length));
    if (!piece) return std::move(piece).error();
    if (piece->empty()) break;  // shortened by somebody: what there is, is hashed
    work_->offset += piece->size();
    work_->hash.update(*piece);
    if (!work_->compressed) continue;
    out.clear();
    if (Status compressed = work_->compressor.update(*piece, out); !compressed) return compressed;
    if (out.empty()) continue;
    if (Status written = work_->compressed->append(out); !written) return written;
  }
  const bool more = work_->offset < wanted;
  if (!more) return finish(changes);
  Result<std::uint64_t> size = work_->file->size();
  if (!size) return std::move(size).error();
  return *size > work_->offset ? Status() : finish(changes);
}

Status FileCloser::finish(ExporterState& changes) {
  ClosedFile& closed = waiting_.front();
  bool placed = false;
  if (work_->compressed) {
    std::string out;
    if (Status compressed = work_->compressor.finish(out); !compressed) return compressed;
    if (Status written = work_->compressed->append(out); !written) return written;
    if (Status synced = work_->compressed->sync(); !synced) return synced;
    work_->compressed.reset();
    if (work_->offset != closed.progress.bytes) {
      if (Status removed = world_.files.remove(temporary_path()); !removed) return removed;
    } else if (Status put = put_in_place(placed); !put) {
      return put;
    }
  }
  note_closed(hex(work_->hash.finish()));
  work_.reset();
  if (placed) {
    closed.compressed = true;
    changes[std::string(closed_key) + closed.path] = to_text(closed);
  } else {
    done(changes);
  }
  return {};
}

Status FileCloser::put_in_place(bool& placed) {
  const std::string target = compressed_path();
  Result<bool> there = world_.files.exists(target);
  if (!there) return std::move(there).error();
  bool replace = true;
  if (*there) {
    // Ours, from before a crash, if it holds the same; anybody else's is not overwritten.
    Result<bool> same = same_bytes(target, temporary_path());
    if (!same) return std::move(same).error();
    replace = *same;
  }
  if (!replace) {
    world_.log.warn(
        target + " exists and is somebody else's, so " + waiting_.front().path + " stays uncompressed",
        {{"exporter", world_.exporter}});
    return world_.files.remove(temporary_path());
  }
  if (Status renamed = world_.files.rename(temporary_path(), target); !renamed) return renamed;
  placed = true;
  return world_.files.sync_folder(folder_of(target));
}

Result<bool> FileCloser::same_bytes(const std::string& a, const std::string& b) {
  OpenOptions options;
  options.create = false;
  options.lock = false;
  Result<std::unique_ptr<File>> left = world_.files.open(a, options);
  if (!left) return std::move(left).error();
  Result<std::unique_ptr<File>> right = world_.files.open(b, options);
  if (!right) return std::move(right).error();
  for (std::uint64_t offset = 0;; offset += piece_bytes) {
    Result<std::string> x = (*left)->read(offset, piece_bytes);
    if (!x) return std::move(x).error();
    Result<std::string> y = (*right)->read(offset, piece_bytes);
    if (!y) return std::move(y).error();
    if (*x != *y) return false;
    if (x->size() < piece_bytes) return true;
  }
}

Status FileCloser::remove_original(ExporterState& changes) {
  const std::string path = waiting_.front().path;
  Result<bool> compressed = world_.files.exists(compressed_path());
  if (!compressed) return std::move(compressed).error();
  // Collected and removed already: the original is what is left of it, and is to stay.
  if (*compressed) {
    if (Status removed = ignore_missing(world_.files.remove(path)); !removed) return removed;
    if (Status synced = world_.files.sync_folder(folder_of(path)); !synced) return synced;
  }
  done(changes);
  return {};
}

void FileCloser::note_closed(const std::string& sha256) {
  const ClosedFile& closed = waiting_.front();
  JsonObject detail;
  detail.text("path", closed.path)
      .number("first_seq", closed.progress.first_seq)
      .number("last_seq", closed.progress.last_seq);
  detail.number("records", closed.progress.records)
      .number("bytes", closed.progress.bytes)
      .text_if("sha256", sha256);
  world_.notes.emplace_back("file_closed", detail.finish());
}

void FileCloser::done(ExporterState& changes) {
  changes[std::string(closed_key) + waiting_.front().path] = "";
  waiting_.pop_front();
}

}  // namespace auditferry
