#pragma once
// One exporter of one file system, for tests of single rules.

#include <gtest/gtest.h>

#include "exporters/file_fixture.h"

namespace auditferry {

inline FileSettings one_file(const std::string& path) {
  FileSettings settings;
  settings.path = path;
  return settings;
}

class FileRules : public testing::Test {
 protected:
  void start(FileSettings settings, std::size_t count = 40, std::size_t streams = 1,
             Duration step = std::chrono::minutes(1)) {
    fixture.set(std::move(settings));
    records = std::make_unique<TestRecords>(fixture.format, count, streams, step);
    rig = std::make_unique<DeliveryRig>(fixture.loop, *records);
    restart();
  }
  void restart() {
    exporter.reset();
    exporter = fixture.make();
    rig->open(*exporter);
  }
  void write(std::size_t count) { ASSERT_EQ(rig->write(*exporter, count).verdict, Verdict::delivered); }
  std::string lines(std::size_t from, std::size_t to) const {
    std::string text;
    for (std::size_t i = from; i < to; ++i) text += records->line(i) + "\n";
    return text;
  }
  std::string content(const std::string& path) const {
    const auto all = fixture.disk.contents();
    const auto found = all.find(path);
    return found == all.end() ? "(none)" : found->second;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [path, bytes] : fixture.disk.contents()) all.push_back(path);
    return all;
  }
  void tend_to_end() {
    for (int i = 0; i < 20; ++i) rig->tend(*exporter);
  }

  FileFixture fixture{one_file("x.jsonl")};
  std::unique_ptr<TestRecords> records;
  std::unique_ptr<DeliveryRig> rig;
  std::unique_ptr<Exporter> exporter;
};

}  // namespace auditferry
