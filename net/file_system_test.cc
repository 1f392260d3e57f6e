#include "net/file_system.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/other_group.h"
#include "tests/support/own_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_root.h"

namespace auditferry {
namespace {

class FileSystemTest : public testing::Test {
 protected:
  std::unique_ptr<File> open(const std::string& path, const OpenOptions& options = {}) {
    Result<std::unique_ptr<File>> file = files.open(path, options);
    EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message);
    return file.ok() ? std::move(file).value() : nullptr;
  }
  static unsigned mode_of(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(stat(path.c_str(), &about), 0);
    return about.st_mode & 07777;
  }
  TemporaryFolder folder;
  PosixFileSystem files;
};

TEST_F(FileSystemTest, AppendsReadsAndShortens) {
  const auto file = open(folder / "x");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->append("hello ").ok());
  EXPECT_TRUE(file->append("world").ok());
  EXPECT_EQ(file->size().value(), 11u);
  EXPECT_EQ(file->read(6, 100).value(), "world");
  EXPECT_EQ(file->read(50, 10).value(), "");
  EXPECT_TRUE(file->truncate(5).ok());
  EXPECT_TRUE(file->append("!").ok()) << "the end moved back with it";
  EXPECT_TRUE(file->sync().ok());
  EXPECT_EQ(file->read(0, 100).value(), "hello!");
  const std::string large(3u << 20, 'a');
  EXPECT_TRUE(file->append(large).ok());
  EXPECT_EQ(file->size().value(), 6 + large.size());
}

TEST_F(FileSystemTest, LocksAgainstASecondWriter) {
  auto file = open(folder / "x");
  const Result<std::unique_ptr<File>> second = files.open(folder / "x", {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::busy);
  EXPECT_NE(second.error().message.find(folder / "x"), std::string::npos);
  OpenOptions reader;
  reader.lock = false;
  EXPECT_TRUE(files.open(folder / "x", reader).ok());
  file.reset();
  EXPECT_TRUE(files.open(folder / "x", {}).ok());
}

TEST_F(FileSystemTest, ModesDoNotDependOnTheUmask) {
  const mode_t before = umask(0077);
  OpenOptions options;
  options.mode = 0640;
  open(folder / "x", options);
  EXPECT_TRUE(files.create_folders(folder / "a/b", 0750, "").ok());
  umask(0);
  open(folder / "y");
  umask(before);
  EXPECT_EQ(mode_of(folder / "x"), 0640u);
  EXPECT_EQ(mode_of(folder / "a"), 0750u);
  EXPECT_EQ(mode_of(folder / "a/b"), 0750u);
  EXPECT_EQ(mode_of(folder / "y"), 0600u);
  chmod((folder / "a").c_str(), 0700);
  EXPECT_TRUE(files.create_folders(folder / "a/b/c/", 0750, "").ok());
  EXPECT_EQ(mode_of(folder / "a"), 0700u) << "what is there is left as it is";
  EXPECT_EQ(mode_of(folder / "a/b/c"), 0750u);
}

TEST_F(FileSystemTest, GivesFilesToAGroup) {
  const NamedGroup given = group_to_give_to();
  OpenOptions options;
  options.group = given.name;
  EXPECT_TRUE(files.open(folder / "x", options).ok());
  EXPECT_EQ(group_of(folder / "x"), given.id);
  options.group = "no-such-group-here";
  const Result<std::unique_ptr<File>> refused = files.open(folder / "y", options);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("no-such-group-here"), std::string::npos);
  EXPECT_FALSE(files.exists(folder / "y").value()) << "no file with other rights than configured is left";
}

TEST_F(FileSystemTest, FollowsNoLinkAndOpensNothingButFiles) {
  open(folder / "x");
  ASSERT_EQ(symlink((folder / "x").c_str(), (folder / "link").c_str()), 0);
  ASSERT_EQ(symlink((folder / "nowhere").c_str(), (folder / "dangling").c_str()), 0);
  for (const char* name : {"link", "dangling"}) {
    const Result<std::unique_ptr<File>> link = files.open(folder / name, {});
    ASSERT_FALSE(link.ok());
    EXPECT_EQ(link.error().kind, ErrorKind::invalid);
    EXPECT_NE(link.error().message.find("symbolic link"), std::string::npos);
  }
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(files.open(folder / "pipe", {}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(files.open(folder.path(), {}).error().kind, ErrorKind::invalid);
}

TEST_F(FileSystemTest, SaysWhetherAFileIsThere) {
  OpenOptions existing;
  existing.create = false;
  EXPECT_EQ(files.open(folder / "x", existing).error().kind, ErrorKind::not_found);
  EXPECT_FALSE(files.exists(folder / "x").value());
  EXPECT_FALSE(files.exists(folder / "x/y/z").value());
  open(folder / "x");
  EXPECT_TRUE(files.exists(folder / "x").value());
  EXPECT_TRUE(files.open(folder / "x", existing).ok());
  OpenOptions exclusive;
  exclusive.exclusive = true;
  EXPECT_EQ(files.open(folder / "x", exclusive).error().kind, ErrorKind::busy);
}

TEST_F(FileSystemTest, NoticesThatAFileWasMoved) {
  const auto file = open(folder / "x");
  EXPECT_TRUE(file->still_at_its_path().value());
  EXPECT_TRUE(files.rename(folder / "x", folder / "y").ok());
  EXPECT_FALSE(file->still_at_its_path().value());
  open(folder / "x");
  EXPECT_FALSE(file->still_at_its_path().value()) << "another file has its name";
  EXPECT_TRUE(files.remove(folder / "x").ok());
  EXPECT_EQ(files.remove(folder / "x").error().kind, ErrorKind::not_found);
  EXPECT_EQ(files.rename(folder / "none", folder / "z").error().kind, ErrorKind::not_found);
}

TEST_F(FileSystemTest, ListsAndSyncsFolders) {
  open(folder / "b");
  open(folder / "a");
  EXPECT_EQ(files.list(folder.path()).value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(files.sync_folder(folder.path()).ok());
  EXPECT_EQ(files.sync_folder(folder / "none").error().kind, ErrorKind::not_found);
  EXPECT_GT(files.free_bytes(folder.path()).value(), 0u);
  EXPECT_EQ(files.create_folders(folder / "a/b", 0700, "").error().kind, ErrorKind::invalid) << "a is a file";
}

TEST_F(FileSystemTest, SaysWhatToDoWhenItMayNot) {
  ASSERT_EQ(chmod(folder.path().c_str(), 0500), 0);
  Result<std::unique_ptr<File>> refused = Error{};
  {
    const WithoutRoot without_root;
    ASSERT_TRUE(without_root.effective());
    refused = files.open(folder / "x", {});
  }
  chmod(folder.path().c_str(), 0700);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::permission);
  EXPECT_NE(refused.error().message.find("install -d -o auditferry -g auditferry " + folder.path() + ")"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("ReadWritePaths=" + folder.path() + ","), std::string::npos) << refused.error().message;
}

// As ProtectSystem=strict makes it.
TEST_F(FileSystemTest, AReadOnlyDiskNamesTheFolderItself) {
  const auto said = [&](auto call) { return on_a_read_only_disk(folder.path(), [&] { return call(); }); };
  const std::string file = said([&] { return files.open(folder / "x", {}).error().message; });
  EXPECT_NE(file.find("Read-only file system"), std::string::npos) << file;
  EXPECT_NE(file.find("ReadWritePaths=" + folder.path() + ","), std::string::npos) << file;
  const std::string missing = said([&] { return files.create_folders(folder / "audit", 0750, "").error().message; });
  EXPECT_NE(missing.find("Read-only file system"), std::string::npos) << missing;
  EXPECT_NE(missing.find("install -d -o auditferry -g auditferry " + (folder / "audit") + ")"), std::string::npos) << missing;
  EXPECT_NE(missing.find("ReadWritePaths=" + (folder / "audit") + ","), std::string::npos) << missing;
  const std::string there = said([&] { return files.create_folders(folder.path(), 0750, "").ok() ? std::string("taken") : std::string("refused"); });
  EXPECT_EQ(there, "taken");
}

TEST_F(FileSystemTest, GivesAFolderToAGroup) {
  const group* own = getgrgid(getegid());
  ASSERT_NE(own, nullptr);
  ASSERT_TRUE(files.create_folders(folder / "a", 0750, own->gr_name).ok());
  struct stat about {};
  ASSERT_EQ(stat((folder / "a").c_str(), &about), 0);
  EXPECT_EQ(about.st_gid, getegid());
  EXPECT_EQ(about.st_mode & 0777, 0750u);
  EXPECT_NE(files.create_folders(folder / "b", 0750, "no-such-group").error().message.find("there is no group"), std::string::npos);
  EXPECT_FALSE(files.exists(folder / "b").value()) << "made again, with its group, where there is one";
}

TEST_F(FileSystemTest, AWriteBeyondTheLimitIsNoSpace) {
  const auto file = open(folder / "x");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto previous = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Status written = file->append(std::string(5000, 'a'));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, previous);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().kind, ErrorKind::no_space);
  EXPECT_EQ(file->size().value(), 1000u) << "what fitted was written, and the rest was tried";
}

}  // namespace
}  // namespace auditferry
