#include "exporters/file_progress.h"

#include "encoding/json_object.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

void put_progress(JsonObject& object, const FileProgress& progress) {
  object.number("number", progress.number)
      .number("bytes", progress.bytes)
      .number("records", progress.records);
  object.number("first_seq", progress.first_seq).number("last_seq", progress.last_seq);
  object.value("opened", std::to_string(to_micros(progress.opened)));
  if (progress.period_end != WallTime::max())
    object.value("period_end", std::to_string(to_micros(progress.period_end)));
}

std::optional<std::int64_t> integer(const JsonView& object, std::string_view key) {
  const std::optional<JsonView> value = object.find(key);
  return value ? value->as_int64() : std::nullopt;
}

std::optional<std::uint64_t> count(const JsonView& object, std::string_view key) {
  const std::optional<std::int64_t> value = integer(object, key);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::optional<FileProgress> get_progress(const JsonView& object) {
  const auto number = count(object, "number");
  const auto bytes = count(object, "bytes");
  const auto records = count(object, "records");
  const auto first = count(object, "first_seq");
  const auto last = count(object, "last_seq");
  const auto opened = integer(object, "opened");
  if (!number || !bytes || !records || !first || !last || !opened) return std::nullopt;
  FileProgress progress{*number, *bytes, *records, *first, *last, from_micros(*opened), WallTime::max()};
  if (const auto end = integer(object, "period_end")) progress.period_end = from_micros(*end);
  return progress;
}

}  // namespace

std::string to_text(const SeriesProgress& progress) {
  JsonObject object;
  if (progress.open) {
    put_progress(object, *progress.open);
  } else {
    object.number("next", progress.next_number).value("closed", std::to_string(to_micros(progress.closed)));
  }
  return object.finish();
}

std::string to_text(const ClosedFile& file) {
  JsonObject object;
  put_progress(object, file.progress);
  object.text("compress", extension(file.compress));
  object.boolean("compressed", file.compressed);
  return object.finish();
}

std::optional<SeriesProgress> series_from_text(std::string_view text) {
  const JsonView object(text);
  SeriesProgress progress;
  if (const auto next = count(object, "next")) {
    const auto closed = integer(object, "closed");
    progress.next_number = *next;
    progress.closed = from_micros(closed.value_or(0));
    return progress;
  }
  progress.open = get_progress(object);
  if (!progress.open) return std::nullopt;
  return progress;
}

std::optional<ClosedFile> closed_from_text(std::string path, std::string_view text) {
  const JsonView object(text);
  const auto progress = get_progress(object);
  const auto compress = object.find("compress");
  const auto compressed = object.find("compressed");
  if (!progress || !compress || !compressed) return std::nullopt;
  ClosedFile file{std::move(path), *progress, Compression::none, compressed->as_bool().value_or(false)};
  const std::string kind = compress->as_string().value_or("");
  if (kind == ".zst") file.compress = Compression::zstd;
  if (kind == ".gz") file.compress = Compression::gzip;
  return file;
}

std::string_view extension(Compression compression) {
  switch (compression) {
    case Compression::zstd:
      return ".zst";
    case Compression::gzip:
      return ".gz";
    case Compression::none:
      break;
  }
  return "";
}

}  // namespace auditferry
