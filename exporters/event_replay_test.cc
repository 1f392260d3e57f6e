// What the fuzzers check, on their corpus and on seeded records of any bytes, without a fuzzer.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/format_input.h"
#include "tests/support/sanitized.h"

namespace auditferry {
namespace {

constexpr const char* event_formats[] = {"ecs", "ocsf", "cef", "leef"};
constexpr const char* all_formats[] = {"json", "raw", "ecs", "ocsf", "cef", "leef"};

TEST(EventReplay, TheCorpusOfTheFuzzers) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(AUDITFERRY_SOURCE) + "/tests/fuzz/corpus")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (const char* format : all_formats) {
      fixture::check_format(format, bytes);
      // The first byte chooses the kind of record: the file as every one of them, too.
      for (int kind = 0; kind < 64; ++kind) fixture::check_format(format, std::string(1, static_cast<char>(kind)) + bytes);
    }
    fixture::check_redaction(bytes);
    ++files;
  }
  EXPECT_GE(files, 10u);
}

TEST(EventReplay, CutAndChangedRecords) {
  std::mt19937_64 random(42);
  for (const fixture::NamedRecord& named : fixture::golden_records()) {
    for (int round = 0; round < rounds(500, 60); ++round) {
      std::string bytes = std::string(1, static_cast<char>(random())) + std::string(named.record.raw);
      bytes.resize(random() % (bytes.size() + 1));
      for (int change = 0; change < 3 && !bytes.empty(); ++change)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      for (const char* format : all_formats) fixture::check_format(format, bytes);
      fixture::check_redaction(bytes);
    }
  }
}

TEST(EventReplay, RecordsOfAnyBytesInEveryField) {
  fixture::RecordMaker maker(43);
  for (const char* name : event_formats) {
    ExporterSettings settings;
    settings.format = name;
    const auto format = make_format(settings, fixture::builtin_profiles());
    for (int round = 0; round < rounds(3000, 300); ++round) {
      const Record record = maker.garbage();
      const std::string line = fixture::line_of(*format, record);
      ASSERT_TRUE(fixture::is_one_line(line)) << name << ": " << line;
      // The same record gives the same bytes.
      ASSERT_EQ(line, fixture::line_of(*format, record));
    }
  }
}

}  // namespace
}  // namespace auditferry
