// What is vendor-specific stands in profiles: no exporter and no format knows a vendor by its name.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/program_lines.h"

namespace auditferry {
namespace {

std::string small(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// The names of the profiles that are built in.
std::vector<std::string> vendor_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(AUDITFERRY_SOURCE) / "sources/profiles")) {
    if (entry.path().extension() == ".toml") names.push_back(small(entry.path().stem()));
  }
  return names;
}

bool names_a_vendor(const std::string& line, const std::vector<std::string>& vendors) {
  const std::string text = small(line);
  return std::any_of(vendors.begin(), vendors.end(), [&text](const std::string& vendor) { return text.find(vendor) != text.npos; });
}

TEST(NoVendor, IsNamedInTheCodeOfExporters) {
  const std::vector<std::string> vendors = vendor_names();
  ASSERT_GE(vendors.size(), 3u);
  const std::size_t looked_at = for_each_program_line("exporters", [&vendors](const std::filesystem::path& file, const std::string& line) {
    EXPECT_FALSE(names_a_vendor(line, vendors)) << file << ": " << line << "; what is a vendor's own belongs into its profile";
  });
  EXPECT_GT(looked_at, 80u);
}

TEST(NoVendor, IsNoticed) {
  const std::vector<std::string> vendors = vendor_names();
  EXPECT_TRUE(names_a_vendor("  if (record.vendor == \"apptego\") {", vendors));
  EXPECT_TRUE(names_a_vendor("std::string OktaTarget(const Record&);", vendors));
  EXPECT_TRUE(names_a_vendor("// GITHUB has no such field", vendors));
  EXPECT_FALSE(names_a_vendor("  if (record.vendor.empty()) {", vendors));
}

}  // namespace
}  // namespace auditferry
