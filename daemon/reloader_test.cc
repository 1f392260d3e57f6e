#include "daemon/reloader.h"

#include <gtest/gtest.h>

#include "core/task_group.h"
#include "tests/support/recording_log.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

using std::chrono::seconds;

// A program that is only its settings, and a configuration that is only a value.
class ReloaderTest : public testing::Test {
 protected:
  ReloaderTest() {
    group_.spawn("reloader", reloader_.run());
    pass(seconds(2));
  }
  ~ReloaderTest() override { loop_.run(end()); }
  Task<void> end() {
    group_.cancel();
    co_await group_.join();
  }
  static LoadedSettings settings(const std::string& secret) {
    LoadedSettings loaded;
    loaded.file = "/etc/x.toml";
    loaded.text_sha256 = "a";
    loaded.files = {"/secret"};
    loaded.settings.sources.resize(1);
    loaded.settings.sources[0].credentials["token"] = Secret(secret);
    return loaded;
  }
  Result<LoadedSettings> load() {
    ++loads_;
    if (!error_.empty()) return Error{ErrorKind::invalid, error_};
    on_disk_.settings.sources[0].credentials["token"] = Secret(files_.at("/secret"));
    return on_disk_;
  }
  Result<LoadedSettings> load_secrets(const LoadedSettings& running) {
    if (!secret_error_.empty()) return Error{ErrorKind::invalid, secret_error_};
    LoadedSettings again = running;
    again.settings.sources[0].credentials["token"] = Secret(files_.at("/secret"));
    return again;
  }
  Task<TakenOver> take_over(LoadedSettings settings) {
    co_await loop_.clock().sleep(seconds(1));
    ++asked_;
    const bool same_text = settings.text_sha256 == current_.text_sha256;
    if (!refusal_.empty() && !same_text) co_return TakenOver{false, "", {{refusal_}}};
    // As the program does: nothing is done where nothing has changed.
    if (same_text && secret_of(settings) == secret_of(current_)) co_return TakenOver{true, ""};
    current_ = std::move(settings);
    ++taken_;
    TakenOver taken{true, "taken over"};
    if (!same_text && !failure_.empty()) taken.problems.push_back({failure_, {{"exporter", "siem"}}});
    co_return taken;
  }
  void pass(Duration time) {
    group_.spawn("time", loop_.clock().sleep(time));
    loop_.run_until_idle(time);
  }
  static std::string secret_of(const LoadedSettings& loaded) { return loaded.settings.sources[0].credentials.at("token").reveal(); }
  std::string secret() const { return secret_of(current_); }
  Result<std::string> fingerprint(const std::string& path) const {
    if (files_.count(path) == 0) return Error{ErrorKind::not_found, "none"};
    return files_.at(path);
  }

  TestLoop loop_;
  RecordingLog log_;
  std::map<std::string, std::string> files_{{"/secret", "one"}};
  LoadedSettings on_disk_ = settings("one");
  LoadedSettings current_ = settings("one");
  std::string error_;
  std::string refusal_;       // of another text
  std::string failure_;       // of a part of another text, which is in use nevertheless
  std::string secret_error_;
  int loads_ = 0;
  int asked_ = 0;
  int taken_ = 0;
  int reopened_ = 0;
  std::string manager_;
  TaskGroup group_{loop_.executor()};
  Reloader reloader_{ReloadWorld{loop_.executor(), loop_.clock(), log_, loop_.blocking(), [this] { return load(); },
                                 [this](const LoadedSettings& running) { return load_secrets(running); },
                                 [this](const std::string& path) { return fingerprint(path); }, [this] { ++reopened_; },
                                 [this](LoadedSettings loaded) { return take_over(std::move(loaded)); },
                                 [this](bool begins) { manager_ += begins ? "<" : ">"; }},
                     current_};
};

TEST_F(ReloaderTest, TakesTheConfigurationOverOnRequest) {
  on_disk_.text_sha256 = "b";
  reloader_.request();
  pass(seconds(2));
  EXPECT_EQ(current_.text_sha256, "b");
  EXPECT_EQ(taken_, 1);
  EXPECT_EQ(reopened_, 1);
  EXPECT_EQ(manager_, "<>");
  EXPECT_EQ(log_.count("taken over", LogLevel::info), 1u);
}

TEST_F(ReloaderTest, ARequestDuringAReloadIsOneMore) {
  pass(seconds(2));
  const int asked = asked_;
  reloader_.request();
  pass(std::chrono::milliseconds(500));
  reloader_.request();
  reloader_.request();
  pass(seconds(5));
  EXPECT_EQ(asked_, asked + 2);
  EXPECT_EQ(manager_, "<><>");
}

TEST_F(ReloaderTest, AWrongConfigurationIsToldWithAllItsErrorsAndChangesNothing) {
  error_ = "x.toml:3:1: first\nx.toml:4:1: second";
  reloader_.request();
  pass(seconds(2));
  EXPECT_EQ(taken_, 0);
  EXPECT_EQ(reopened_, 1);  // files are reopened whatever the configuration says
  EXPECT_EQ(manager_, "<>");
  EXPECT_EQ(log_.count("refused, and the one in use goes on", LogLevel::error), 1u) << log_.text();
  EXPECT_EQ(log_.count("x.toml:3:1: first", LogLevel::error), 1u);
  EXPECT_EQ(log_.count("x.toml:4:1: second", LogLevel::error), 1u);
  error_.clear();
  on_disk_.text_sha256 = "b";
  refusal_ = "daemon.state_dir needs a restart";
  reloader_.request();
  pass(seconds(2));
  EXPECT_EQ(taken_, 0);
  EXPECT_EQ(log_.count("daemon.state_dir needs a restart", LogLevel::error), 1u);
}

TEST_F(ReloaderTest, AChangedSecretIsNoticedWithinTenSeconds) {
  const int loads = loads_;
  pass(seconds(60));
  EXPECT_EQ(loads_, loads) << "nothing changed, nothing is read";
  files_["/secret"] = "two";
  pass(seconds(12));
  EXPECT_EQ(secret(), "two");
  EXPECT_EQ(taken_, 1);
  EXPECT_EQ(reopened_, 1);
  EXPECT_EQ(log_.count("/secret changed", LogLevel::info), 1u) << log_.text();
  EXPECT_EQ(log_.text().find("two"), std::string::npos);
  EXPECT_EQ(manager_, "");
}

TEST_F(ReloaderTest, ASecretThatCannotBeUsedLeavesTheOldOne) {
  files_["/secret"] = "";
  error_ = secret_error_ = "the secret's file /secret is empty";
  pass(seconds(12));
  EXPECT_EQ(secret(), "one");
  EXPECT_EQ(log_.count("the secret's file /secret is empty", LogLevel::error), 1u) << log_.text();
  pass(seconds(60));
  EXPECT_EQ(log_.count("the secret's file /secret is empty"), 1u);  // told once
  reloader_.request();
  pass(seconds(2));
  EXPECT_EQ(log_.count("the secret's file /secret is empty"), 2u);  // and once for each request
  error_.clear();
  secret_error_.clear();
  files_["/secret"] = "two";
  pass(seconds(12));
  EXPECT_EQ(secret(), "two");
}

TEST_F(ReloaderTest, AnEditedConfigurationWaitsForTheRequestAndSecretsDoNot) {
  on_disk_.text_sha256 = "b";
  files_["/secret"] = "two";
  pass(seconds(30));
  EXPECT_EQ(secret(), "two");
  EXPECT_EQ(current_.text_sha256, "a");
  EXPECT_EQ(log_.count("taken over by SIGHUP only", LogLevel::warn), 1u) << log_.text();
  reloader_.request();
  pass(seconds(2));
  EXPECT_EQ(current_.text_sha256, "b");
}

TEST_F(ReloaderTest, AConfigurationThatCannotBeTakenOverHoldsUpNoSecret) {
  error_ = "x.toml:3:1: first";
  files_["/secret"] = "two";
  reloader_.request();
  pass(seconds(3));
  EXPECT_EQ(secret(), "two") << log_.text();
  error_.clear();
  on_disk_.text_sha256 = "b";
  refusal_ = "daemon.state_dir needs a restart";
  files_["/secret"] = "three";
  reloader_.request();
  pass(seconds(3));
  EXPECT_EQ(secret(), "three") << log_.text();
  EXPECT_EQ(current_.text_sha256, "a");
  files_["/secret"] = "four";  // without a request
  pass(seconds(12));
  EXPECT_EQ(secret(), "four");
  EXPECT_EQ(manager_, "<><>");
}

TEST_F(ReloaderTest, WhatIsTakenOverInPartIsTheOneInUse) {
  on_disk_.text_sha256 = "b";
  failure_ = "exporter siem could not be started: the journal is busy";
  reloader_.request();
  pass(seconds(3));
  EXPECT_EQ(log_.count("exporter siem could not be started", LogLevel::error), 1u) << log_.text();
  EXPECT_NE(log_.text().find("the journal is busy exporter=siem config=/etc/x.toml\n"), std::string::npos) << log_.text();
  files_["/secret"] = "two";
  pass(seconds(12));
  EXPECT_EQ(secret(), "two");
  EXPECT_EQ(current_.text_sha256, "b");
  EXPECT_EQ(log_.count("was edited, too"), 0u) << log_.text();
}

TEST_F(ReloaderTest, FilesThatANewConfigurationNamesAreWatched) {
  files_["/other"] = "x";
  on_disk_.text_sha256 = "b";
  on_disk_.files = {"/secret", "/other"};
  reloader_.request();
  pass(seconds(2));
  EXPECT_EQ(taken_, 1);
  const int reopened = reopened_;
  files_["/other"] = "y";  // a certificate: no setting changes with it
  pass(seconds(12));
  EXPECT_EQ(reopened_, reopened + 1);
  EXPECT_EQ(taken_, 1);
}

}  // namespace
}  // namespace auditferry
