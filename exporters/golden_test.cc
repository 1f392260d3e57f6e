// The formats byte for byte: exporters/golden/FORMAT.txt, "# name" and the line below it. In those of json and raw,
// which pass on what they are given, bytes outside of printable ASCII are \xHH. With AUDITFERRY_WRITE_GOLDEN set the
// files are written anew, to be read before they are committed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "exporters/catalog.h"
#include "exporters/format_fixture.h"

namespace auditferry {
namespace {

class Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Golden, EveryKindOfRecord) {
  ExporterSettings settings;
  settings.format = GetParam();
  settings.labels = {{"env", "prod"}, {"site.name", "north \"1\""}};
  const auto format = make_format(settings, fixture::builtin_profiles());
  const bool plain = settings.format == "json" || settings.format == "raw";
  std::string text;
  for (const fixture::NamedRecord& named : fixture::golden_records()) {
    const std::string line = fixture::line_of(*format, named.record);
    text += std::string("# ") + named.name + "\n" + (plain ? fixture::shown(line) : line) + "\n";
  }
  const std::string path = std::string(AUDITFERRY_SOURCE) + "/exporters/golden/" + GetParam() + ".txt";
  if (std::getenv("AUDITFERRY_WRITE_GOLDEN")) std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, golden) << path;
}

INSTANTIATE_TEST_SUITE_P(Formats, Golden, ::testing::Values("json", "raw", "ecs", "ocsf", "cef", "leef"),
                         [](const auto& format) { return std::string(format.param); });

}  // namespace
}  // namespace auditferry
