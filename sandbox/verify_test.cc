#include "sandbox/verify.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

class CompareFiles : public testing::Test {
 protected:
  static std::string record_line(int seq, const std::string& id) {
    return "{\"id\":\"" + id + "\",\"seq\":" + std::to_string(seq) + ",\"record\":{\"event\":1}}\n";
  }
  // Two files, as a collector of two streams writes them.
  Comparison compare(const std::string& audit, const std::string& device = "") {
    std::ofstream(folder_ / "audit.jsonl") << audit;
    std::ofstream(folder_ / "device.jsonl") << device;
    const Result<Comparison> comparison = compare_files({folder_ / "audit.jsonl", folder_ / "device.jsonl"}, {"a", "b", "c"});
    EXPECT_TRUE(comparison.ok());
    return *comparison;
  }
  static void expect(const Comparison& found, std::uint64_t missing, std::uint64_t twice, std::uint64_t unknown, std::uint64_t out_of_order,
                     const std::string& example) {
    EXPECT_EQ(found.made, 3u);
    EXPECT_EQ(found.missing, missing);
    EXPECT_EQ(found.twice, twice);
    EXPECT_EQ(found.unknown, unknown);
    EXPECT_EQ(found.out_of_order, out_of_order);
    EXPECT_EQ(found.equal(), example.empty());
    EXPECT_NE(found.example.find(example), std::string::npos) << found.example;
  }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
};

TEST_F(CompareFiles, EqualSetsAreEqual) {
  const Comparison found = compare(record_line(1, "a") + record_line(3, "c"), record_line(2, "b"));
  expect(found, 0, 0, 0, 0, "");
  EXPECT_EQ(found.in_files, 3u);
  EXPECT_TRUE(found.example.empty());
}

TEST_F(CompareFiles, OneIsMissing) { expect(compare(record_line(1, "a") + record_line(3, "c")), 1, 0, 0, 0, "missing: b"); }

TEST_F(CompareFiles, OneStandsTwiceInOneFileOrInTwo) {
  expect(compare(record_line(1, "a") + record_line(2, "b") + record_line(3, "c") + record_line(4, "b")), 0, 1, 0, 0, "twice: b");
  expect(compare(record_line(1, "a") + record_line(2, "b") + record_line(3, "c"), record_line(2, "b")), 0, 1, 0, 0, "twice: b");
}

TEST_F(CompareFiles, OneWasNeverMade) {
  expect(compare(record_line(1, "a") + record_line(2, "b") + record_line(3, "c") + record_line(4, "d")), 0, 0, 1, 0, "never made: d");
}

TEST_F(CompareFiles, OneStandsOutOfOrderOrHasTheNumberOfAnother) {
  expect(compare(record_line(1, "a") + record_line(3, "c") + record_line(2, "b")), 0, 0, 0, 1, "seq 2 after 3");
  expect(compare(record_line(1, "a") + record_line(2, "b") + record_line(2, "c")), 0, 0, 0, 1, "seq 2 after 2");
}

TEST_F(CompareFiles, HalfALineIsNoRecord) {
  const std::string last = record_line(3, "c");
  expect(compare(record_line(1, "a") + record_line(2, "b") + last.substr(0, last.size() / 2)), 1, 0, 1, 0, "a line that is not a record: {\"id\"");
  // Glued to the next one, as after a cut in the middle.
  expect(compare(record_line(1, "a") + last.substr(0, last.size() / 2) + record_line(2, "b") + last), 1, 0, 1, 0, "not a record");
}

TEST_F(CompareFiles, AFileThatCannotBeReadIsAnError) {
  const Result<Comparison> comparison = compare_files({folder_ / "none.jsonl"}, {"a"});
  ASSERT_FALSE(comparison.ok());
  EXPECT_EQ(comparison.error().message, "cannot read " + (folder_ / "none.jsonl"));
}

}  // namespace
}  // namespace auditferry
