#include "storage/page_scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

namespace auditferry {
namespace {

constexpr std::size_t usual_page_bytes = 8192;
constexpr std::uint64_t largest_row = 256u << 20;
constexpr std::size_t wal_header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr unsigned char table_leaf = 0x0d;

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : number_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  bool is_open() const { return number_ >= 0; }
  std::uint64_t size() const {
    struct stat about {};
    return fstat(number_, &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
  }
  bool read(std::uint64_t offset, std::string& into) const {
    return pread(number_, into.data(), into.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(into.size());
  }

 private:
  int number_;
};

std::uint32_t big_endian(std::string_view bytes, std::size_t at, std::size_t length) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < length; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Takes a varint from the front; nothing when the bytes end early.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 9 && i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i == 8) {
      bytes.remove_prefix(9);
      return value << 8 | byte;
    }
    value = value << 7 | (byte & 0x7f);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

std::size_t bytes_of_type(std::uint64_t type) {
  constexpr std::size_t fixed[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
  return type < 12 ? fixed[type] : static_cast<std::size_t>((type - 12) / 2);
}

RawValue value_of(std::uint64_t type, std::string_view bytes) {
  RawValue value;
  if (type >= 12) {
    value.kind = type % 2 == 0 ? RawValue::Kind::blob : RawValue::Kind::text;
    value.bytes = bytes;
  } else if (type == 7) {
    value.kind = RawValue::Kind::real;
  } else if (type != 0) {
    value.kind = RawValue::Kind::integer;
    std::uint64_t number = !bytes.empty() && (bytes[0] & 0x80) ? ~std::uint64_t{0} : 0;
    for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
    value.integer = type == 9 ? 1 : static_cast<std::int64_t>(number);
  }
  return value;
}

// The columns of a record; false when it is none.
bool take_apart(std::string_view record, std::vector<RawValue>& columns) {
  columns.clear();
  std::string_view rest = record;
  const std::optional<std::uint64_t> header_bytes = take_varint(rest);
  if (!header_bytes || *header_bytes > record.size() || *header_bytes < record.size() - rest.size()) return false;
  std::string_view types = record.substr(record.size() - rest.size(), *header_bytes - (record.size() - rest.size()));
  std::string_view body = record.substr(*header_bytes);
  while (!types.empty()) {
    const std::optional<std::uint64_t> type = take_varint(types);
    if (!type || *type == 10 || *type == 11) return false;
    const std::size_t length = bytes_of_type(*type);
    if (length > body.size()) return false;
    columns.push_back(value_of(*type, body.substr(0, length)));
    body.remove_prefix(length);
  }
  return body.empty();
}

class Pages {
 public:
  Pages(const Descriptor& file, const Descriptor& log) : file_(file), log_(log), page_bytes_(page_size(file)) {
    if (log_.is_open()) read_log();
  }
  std::uint32_t count() const {
    const auto in_file = static_cast<std::uint32_t>(file_.size() / page_bytes_);
    return frames_.empty() ? in_file : std::max(in_file, frames_.rbegin()->first);
  }
  std::size_t page_bytes() const { return page_bytes_; }
  bool read(std::uint32_t number, std::string& page) const {
    page.resize(page_bytes_);
    const auto frame = frames_.find(number);
    if (frame != frames_.end()) return log_.read(frame->second, page);
    return file_.read(std::uint64_t{number - 1} * page_bytes_, page);
  }

 private:
  static std::size_t page_size(const Descriptor& file) {
    std::string header(100, '\0');
    if (!file.read(0, header) || !header.starts_with("SQLite format 3")) return usual_page_bytes;
    const std::uint32_t size = big_endian(header, 16, 2);
    return size >= 512 && size <= 32768 && (size & (size - 1)) == 0 ? size : usual_page_bytes;
  }
  // The last frame of each page that belongs to the log's present round.
  void read_log() {
    std::string header(wal_header_bytes, '\0');
    if (!log_.read(0, header)) return;
    std::string frame(frame_header_bytes, '\0');
    for (std::uint64_t at = wal_header_bytes; log_.read(at, frame); at += frame_header_bytes + page_bytes_) {
      if (frame.compare(8, 8, header, 16, 8) != 0) break;
      const std::uint32_t number = big_endian(frame, 0, 4);
      if (number > 0) frames_[number] = at + frame_header_bytes;
    }
  }

  const Descriptor& file_;
  const Descriptor& log_;
  std::size_t page_bytes_;
  std::map<std::uint32_t, std::uint64_t> frames_;
};

// The rest of a row that does not fit into its page. False: the chain makes no sense.
bool follow_chain(const Pages& pages, std::uint32_t next, std::uint64_t length, std::string& record) {
  std::string page;
  while (record.size() < length) {
    if (next == 0 || next > pages.count() || !pages.read(next, page)) return false;
    const std::uint64_t part = std::min<std::uint64_t>(length - record.size(), page.size() - 4);
    record.append(page, 4, part);
    next = big_endian(page, 0, 4);
  }
  return true;
}

// How much of a record of so many bytes lies in the leaf itself.
std::uint64_t local_bytes(std::uint64_t length, std::size_t usable) {
  if (length <= usable - 35) return length;
  const std::uint64_t least = (usable - 12) * 32 / 255 - 23;
  const std::uint64_t fitting = least + (length - least) % (usable - 4);
  return fitting <= usable - 35 ? fitting : least;
}

class LeafReader {
 public:
  LeafReader(const Pages& pages, const std::function<void(const RawRow&)>& visit) : pages_(pages), visit_(visit) {}

  void read(const std::string& page, std::size_t begin) {
    if (static_cast<unsigned char>(page[begin]) != table_leaf) return;
    const std::uint32_t cells = big_endian(page, begin + 3, 2);
    for (std::uint32_t i = 0; i < cells; ++i) {
      const std::size_t pointer = begin + 8 + 2 * i;
      if (pointer + 2 > page.size()) return;
      const std::uint32_t at = big_endian(page, pointer, 2);
      if (at >= begin + 8 && at < page.size()) read_cell(std::string_view(page).substr(at));
    }
  }

 private:
  void read_cell(std::string_view cell) {
    const std::optional<std::uint64_t> length = take_varint(cell);
    const std::optional<std::uint64_t> rowid = take_varint(cell);
    if (!length || !rowid || *length > largest_row) return;
    const std::uint64_t local = local_bytes(*length, pages_.page_bytes());
    if (local > cell.size()) return;
    record_.assign(cell.substr(0, local));
    if (local < *length) {
      if (local + 4 > cell.size()) return;
      if (!follow_chain(pages_, big_endian(cell, local, 4), *length, record_)) return;
    }
    if (!take_apart(record_, row_.columns)) return;
    row_.rowid = static_cast<std::int64_t>(*rowid);
    visit_(row_);
  }

  const Pages& pages_;
  const std::function<void(const RawRow&)>& visit_;
  std::string record_;
  RawRow row_;
};

}  // namespace

Status scan_rows(const std::string& path, const std::function<void(const RawRow&)>& visit) {
  const Descriptor file(path);
  if (!file.is_open()) return Error{ErrorKind::not_found, "cannot read " + path + ": " + std::strerror(errno)};
  const Descriptor log(path + "-wal");
  const Pages pages(file, log);
  LeafReader reader(pages, visit);
  std::string page;
  for (std::uint32_t number = 1; number <= pages.count(); ++number) {
    if (pages.read(number, page)) reader.read(page, number == 1 ? 100 : 0);
  }
  return {};
}

}  // namespace auditferry
