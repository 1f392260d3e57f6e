#include "daemon/file_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

using Paths = std::vector<std::string>;

// Files that are only their contents.
struct FewFiles {
  void put(const std::string& path, const std::string& text) { files[path] = text; }
  void erase(const std::string& path) { files.erase(path); }
  FingerprintLookup lookup() {
    return [this](const std::string& path) -> Result<std::string> {
      if (files.count(path) == 0) return Error{ErrorKind::not_found, "none"};
      return files.at(path);
    };
  }
  std::map<std::string, std::string> files;
};

TEST(FileWatch, TellsEachChangeOnce) {
  FewFiles files;
  files.put("/a", "1");
  files.put("/b", "1");
  files.put("/other", "1");
  FileWatch watch(files.lookup());
  watch.watch({"/a", "/b", "/c"});
  EXPECT_EQ(watch.changed(), Paths());
  files.put("/a", "2");
  files.put("/other", "2");
  EXPECT_EQ(watch.changed(), Paths{"/a"});
  EXPECT_EQ(watch.changed(), Paths());
  files.erase("/b");
  files.put("/c", "");
  EXPECT_EQ(watch.changed(), (Paths{"/b", "/c"}));
  files.put("/b", "1");
  EXPECT_EQ(watch.changed(), Paths{"/b"});
}

TEST(FileWatch, WatchingAnewForgets) {
  FewFiles files;
  files.put("/a", "1");
  FileWatch watch(files.lookup());
  watch.watch({"/a"});
  files.put("/a", "2");
  watch.watch({"/a"});
  EXPECT_EQ(watch.changed(), Paths());
  watch.watch({});
  files.put("/a", "3");
  EXPECT_EQ(watch.changed(), Paths());
}

TEST(FileFingerprint, ChangesWithTheFileAlsoBehindLinks) {
  TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& text) { std::ofstream(folder / name) << text; };
  write("one", "a");
  write("two", "a");
  std::filesystem::create_symlink(folder / "one", folder / "link");
  const std::string before = file_fingerprint(folder / "link").value();
  EXPECT_EQ(file_fingerprint(folder / "link").value(), before);
  // Another file of the same size, as Kubernetes replaces secrets.
  std::filesystem::remove(folder / "link");
  std::filesystem::create_symlink(folder / "two", folder / "link");
  const std::string replaced = file_fingerprint(folder / "link").value();
  EXPECT_NE(replaced, before);
  write("two", "ab");
  EXPECT_NE(file_fingerprint(folder / "link").value(), replaced);
  EXPECT_FALSE(file_fingerprint(folder / "none").ok());
}

}  // namespace
}  // namespace auditferry
