#include "daemon/mebibytes_read.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

TEST(MebibytesRead, RisesWithWhatIsReadAndNotByBeingAsked) {
  const TemporaryFolder folder;
  std::ofstream(folder / "file", std::ios::binary) << std::string(5 << 20, 'x');
  const std::uint64_t before = mebibytes_read();
  for (int i = 0; i < 10; ++i) EXPECT_LE(mebibytes_read(), before + 1);
  std::ifstream file(folder / "file", std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}).size(), std::size_t{5} << 20);
  EXPECT_GE(mebibytes_read(), before + 5);
}

}  // namespace
}  // namespace auditferry
