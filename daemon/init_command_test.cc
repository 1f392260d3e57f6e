#include "daemon/init_command.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "net/file_system.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

unsigned mode_of(const std::string& path) {
  struct stat found = {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777;
}

gid_t group_of(const std::string& path) {
  struct stat found = {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_gid;
}

std::string own_group() {
  const struct group* group = getgrgid(getegid());
  EXPECT_NE(group, nullptr);
  return group != nullptr ? group->gr_name : "";
}

class InitCommandTest : public testing::Test {
 protected:
  InitCommandTest() {
    options_.config = folder_ / "conf/auditferry.toml";
    options_.profile = "apptego";
    options_.tenant = "t1";
  }
  // `typed` comes through a pipe.
  Result<std::string> run(const std::string& typed, FileSystem& files) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    ::close(ends[1]);
    Questions questions(ends[0], -1);
    said_.clear();
    Result<std::string> made = init(options_, questions, files, [this](std::string_view text) { said_ += text; });
    ::close(ends[0]);
    return made;
  }
  Result<std::string> run(const std::string& typed) { return run(typed, files_); }
  void expect_nothing_written() const { EXPECT_FALSE(std::filesystem::exists(folder_ / "conf")) << text_of(options_.config); }

  TemporaryFolder folder_;
  PosixFileSystem files_;
  InitOptions options_;
  std::string said_;
};

TEST_F(InitCommandTest, WritesTheConfigurationAndEachSecretApart) {
  const Result<std::string> made = run("the key\nthe secret\n");
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(*made, folder_ / "conf/auditferry.toml");
  const std::string text = text_of(*made);
  EXPECT_NE(text.find("credentials.token_key = { file = \"secrets/apptego-token_key\" }"), std::string::npos) << text;
  EXPECT_EQ(text.find("the key"), std::string::npos);
  EXPECT_EQ(text.find("the secret"), std::string::npos);
  EXPECT_EQ(text_of(folder_ / "conf/secrets/apptego-token_key"), "the key");
  EXPECT_EQ(text_of(folder_ / "conf/secrets/apptego-token_secret"), "the secret");
  for (const char* file : {"conf/auditferry.toml", "conf/secrets/apptego-token_key", "conf/secrets/apptego-token_secret"}) EXPECT_EQ(mode_of(folder_ / file), 0600u);
  EXPECT_EQ(mode_of(folder_ / "conf/secrets"), 0700u);
  EXPECT_EQ(said_.find("the key"), std::string::npos);
  EXPECT_NE(said_.find("wrote " + *made), std::string::npos) << said_;
  EXPECT_NE(text.find("state_dir = \"" + (folder_ / "conf/state") + "\""), std::string::npos) << text;
}

TEST_F(InitCommandTest, WhatIsWrittenForTheServiceItsGroupMayReadAndNobodyElse) {
  options_.system_folder = folder_.path();
  options_.service_group = own_group();
  ASSERT_TRUE(run("the key\nthe secret\n").ok()) << said_;
  for (const char* file : {"conf/auditferry.toml", "conf/secrets/apptego-token_key", "conf/secrets/apptego-token_secret"}) {
    EXPECT_EQ(mode_of(folder_ / file), 0640u) << file;
    EXPECT_EQ(group_of(folder_ / file), getegid()) << file;
  }
  for (const char* made : {"conf", "conf/secrets"}) {
    EXPECT_EQ(mode_of(folder_ / made), 0750u) << made;
    EXPECT_EQ(group_of(folder_ / made), getegid()) << made;
  }
  EXPECT_NE(said_.find("readable by its owner and the service only"), std::string::npos) << said_;
  EXPECT_NE(text_of(options_.config).find("state_dir = \"/var/lib/auditferry\""), std::string::npos);
  EXPECT_EQ(said_.find("note"), std::string::npos) << said_;
}

TEST_F(InitCommandTest, OnlyWhatLiesInEtcIsForTheService) {
  options_.service_group = "auditferry";
  EXPECT_TRUE(for_the_service(options_, "/etc/auditferry/auditferry.toml"));
  EXPECT_TRUE(for_the_service(options_, "/etc/auditferry.toml"));
  EXPECT_FALSE(for_the_service(options_, "/etcetera/auditferry.toml"));
  EXPECT_FALSE(for_the_service(options_, "/etc/../home/auditferry.toml"));
  options_.service_group = "";
  EXPECT_FALSE(for_the_service(options_, "/etc/auditferry/auditferry.toml"));
}

TEST_F(InitCommandTest, ElsewhereTheServiceIsNoMatter) {
  options_.service_group = own_group();
  ASSERT_TRUE(run("the key\nthe secret\n").ok()) << said_;
  EXPECT_EQ(mode_of(folder_ / "conf/auditferry.toml"), 0600u);
  EXPECT_EQ(mode_of(folder_ / "conf"), 0700u);
}

TEST_F(InitCommandTest, WhatWasThereBeforeAndKeepsTheServiceOutIsNamed) {
  options_.system_folder = folder_.path();
  options_.service_group = own_group();
  std::filesystem::create_directories(folder_ / "conf/secrets");
  ::chmod((folder_ / "conf/secrets").c_str(), 0700);
  std::ofstream(folder_ / "key") << "k";
  ::chmod((folder_ / "key").c_str(), 0600);
  options_.credential_files = {"token_key=" + (folder_ / "key")};
  ASSERT_TRUE(run("the secret\n").ok());
  const std::string group = own_group();
  EXPECT_NE(said_.find("cannot read it: chgrp " + group + " " + (folder_ / "key") + "; chmod 0640 " + (folder_ / "key")), std::string::npos) << said_;
  EXPECT_NE(said_.find("cannot enter " + (folder_ / "conf/secrets") + ": chgrp " + group), std::string::npos) << said_;
  EXPECT_EQ(mode_of(folder_ / "conf/secrets"), 0700u) << "left as it is";
  EXPECT_EQ(said_.find("by others than"), std::string::npos) << said_;
}

TEST_F(InitCommandTest, NothingThatExistsIsOverwritten) {
  std::filesystem::create_directories(folder_ / "conf/secrets");
  std::ofstream(folder_ / "conf/secrets/apptego-token_secret") << "old";
  Result<std::string> made = run("k\ns\n");
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("apptego-token_secret exists already"), std::string::npos) << made.error().message;
  EXPECT_EQ(text_of(folder_ / "conf/secrets/apptego-token_secret"), "old");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "conf/secrets/apptego-token_key"));
  EXPECT_FALSE(std::filesystem::exists(options_.config));
  std::ofstream(options_.config) << "mine";
  options_.source = "other";
  made = run("k\ns\n");
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("auditferry.toml exists already"), std::string::npos) << made.error().message;
  EXPECT_EQ(text_of(options_.config), "mine");
}

TEST_F(InitCommandTest, AFileForACredentialIsUsedWhereItIs) {
  std::ofstream(folder_ / "key") << "k";
  ::chmod((folder_ / "key").c_str(), 0644);
  options_.credential_files = {"token_key=" + (folder_ / "key")};
  const Result<std::string> made = run("the secret\n");
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_NE(text_of(*made).find("credentials.token_key = { file = \"" + (folder_ / "key") + "\" }"), std::string::npos) << text_of(*made);
  EXPECT_EQ(text_of(folder_ / "conf/secrets/apptego-token_secret"), "the secret");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "conf/secrets/apptego-token_key"));
  EXPECT_NE(said_.find("can be read by others"), std::string::npos) << said_;
}

TEST_F(InitCommandTest, TheCredentialsAreThoseOfTheProfile) {
  options_.profile = "okta";
  options_.base_url = "https://example.okta.com";
  const Result<std::string> made = run("the token");  // the line end may be missing
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(text_of(folder_ / "conf/secrets/okta-token"), "the token");
  EXPECT_NE(text_of(*made).find("base_url = \"https://example.okta.com\""), std::string::npos);
}

TEST_F(InitCommandTest, WhatIsMissingOrWrongIsToldBeforeAnythingIsWritten) {
  const auto refused = [&](const std::string& typed, const std::string& words) {
    const Result<std::string> made = run(typed);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().kind, ErrorKind::invalid);
    EXPECT_NE(made.error().message.find(words), std::string::npos) << made.error().message;
    EXPECT_EQ(made.error().message.find("s3cr3t"), std::string::npos);
    expect_nothing_written();
  };
  const InitOptions good = options_;
  options_.profile = "";
  refused("", "--profile");
  options_.profile = "aptego";
  refused("", "did you mean \"apptego\"?");
  options_ = good;
  options_.tenant = "";
  refused("", "--tenant");
  options_.tenant = "a/b";
  refused("s3cr3t\ns3cr3t\n", "is no tenant");
  options_ = good;
  options_.streams = "audit,devise";
  refused("s3cr3t\ns3cr3t\n", "did you mean \"device\"?");
  options_ = good;
  options_.start = "yesterday";
  refused("s3cr3t\ns3cr3t\n", "sources.apptego.start");
  options_ = good;
  options_.credential_files = {"token=/x"};
  refused("", "has no credential \"token\"");
  options_.credential_files = {"token_key"};
  refused("", "NAME=PATH");
  options_ = good;
  refused("s3cr3t\n", "the credential token_secret is needed: the input ended");
  refused("s3cr3t\n\n", "the credential token_secret is empty");
  options_.profile = "okta";  // has no address of its own
  refused("", "--base-url");
}

TEST_F(InitCommandTest, WhenAFileCannotBeWrittenNoneStays) {
  options_.config = "/etc/auditferry/auditferry.toml";
  options_.service_group = "auditferry";
  for (std::uint64_t call = 1; call < 40; ++call) {
    FaultyFileSystem disk;
    disk.fail_at(call, ErrorKind::no_space);
    const Result<std::string> made = run("k\ns\n", disk);
    if (made.ok()) {
      EXPECT_GT(call, 8u);
      EXPECT_EQ(disk.contents().size(), 3u);
      return;
    }
    EXPECT_TRUE(disk.contents().empty()) << disk.contents().begin()->first << " after call " << call << ": " << made.error().message;
  }
  FAIL() << "no run without a fault";
}

}  // namespace
}  // namespace auditferry
