#pragma once
// What the tests of the file exporter share.

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "encoding/compress.h"
#include "exporters/file_exporter.h"
#include "exporters/json_format.h"
#include "tests/support/delivery_rig.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/recording_log.h"
#include "tests/support/test_loop.h"

namespace auditferry {

inline std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin) + " (incomplete)");
  return lines;
}

// A file system, the exporter on it, and its ledger notes.
class FileFixture {
 public:
  explicit FileFixture(FileSettings settings) { set(std::move(settings)); }

  void set(FileSettings settings) { settings_ = std::move(settings); }
  FileSettings& settings() { return settings_; }

  std::unique_ptr<Exporter> make(FileSystem& files) {
    exporter_settings_.name = "archive";
    exporter_settings_.type = "file";
    exporter_settings_.own = settings_;
    return std::make_unique<FileExporter>(
        exporter_settings_,
        ExporterWorld{loop.executor(), loop.clock(), log, files, loop.blocking(),
                      [this](std::string kind, std::string detail) { notes.emplace_back(kind, detail); }});
  }
  std::unique_ptr<Exporter> make() { return make(disk); }

  std::size_t count_notes(const std::string& kind, const std::string& part = "") const {
    return static_cast<std::size_t>(std::count_if(notes.begin(), notes.end(), [&](const auto& note) {
      return note.first == kind && note.second.find(part) != std::string::npos;
    }));
  }

  // Every line of every file, compressed ones included, in the order of the numbers (while either all files
  // are compressed or none).
  std::vector<std::string> all_lines() const {
    std::vector<std::string> all;
    const auto contents = disk.contents();
    std::vector<std::pair<std::string, std::string>> files(contents.begin(), contents.end());
    std::stable_sort(files.begin(), files.end(),
                     [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
    for (const auto& [path, content] : files) {
      std::string plain = content;
      if (path.ends_with(".zst")) plain = zstd_decompress(content, 1u << 26).value();
      if (path.ends_with(".gz")) plain = inflate_body(content, ContentCoding::gzip, 1u << 26).value();
      for (std::string& line : split_lines(plain)) all.push_back(std::move(line));
    }
    return all;
  }

  TestLoop loop;
  RecordingLog log;
  FaultyFileSystem disk;
  JsonFormat format{{}};
  std::vector<std::pair<std::string, std::string>> notes;

 private:
  FileSettings settings_;
  ExporterSettings exporter_settings_;
};

}  // namespace auditferry
