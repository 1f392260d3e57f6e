#include "daemon/init_config.h"

#include <gtest/gtest.h>

#include "daemon/load_settings.h"
#include "sources/profile.h"

namespace auditferry {
namespace {

InitAnswers answers_for(const std::string& profile) {
  InitAnswers answers;
  answers.profile = profile;
  answers.tenant = "t1";
  answers.streams = {"audit"};
  answers.source = "acme";
  answers.state_dir = "/var/lib/auditferry";
  answers.records = "/var/log/auditferry";
  return answers;
}

TEST(InitConfig, WhatItWritesIsReadBackForEveryProfile) {
  for (const std::string& name : builtin_profile_names()) {
    const Profile profile = builtin_profile(name).value();
    InitAnswers answers = answers_for(name);
    answers.base_url = "https://portal.example.com";
    for (const std::string& credential : profile.credentials) answers.credentials[credential] = "secrets/acme-" + credential;
    const Result<Settings> read = parse_settings(init_config(answers, profile), "auditferry.toml", "/etc/auditferry");
    ASSERT_TRUE(read.ok()) << name << "\n" << read.error().message;
    ASSERT_EQ(read->sources.size(), 1u);
    EXPECT_EQ(read->sources[0].name, "acme");
    EXPECT_EQ(read->sources[0].base_url, "https://portal.example.com");
    EXPECT_EQ(read->sources[0].tenant, "t1");
    ASSERT_EQ(read->sources[0].streams.size(), 1u);
    EXPECT_EQ(read->sources[0].streams[0].name, "audit");
    EXPECT_EQ(read->daemon.state_dir, "/var/lib/auditferry");
    ASSERT_EQ(read->exporters.size(), 1u);
    EXPECT_EQ(read->exporters[0].output_key.find("/var/log/auditferry/") == std::string::npos, false) << read->exporters[0].output_key;
  }
}

TEST(InitConfig, TheProfilesOwnAddressStaysItsBusiness) {
  const Profile profile = builtin_profile("apptego").value();
  InitAnswers answers = answers_for("apptego");
  answers.base_url = profile.base_url;
  EXPECT_NE(init_config(answers, profile).find("\n#base_url = \"" + profile.base_url + "\"\n"), std::string::npos);
}

TEST(InitConfig, NamesAndPathsAreQuoted) {
  const Profile profile = builtin_profile("github").value();
  InitAnswers answers = answers_for("github");
  answers.source = "a.b";
  answers.state_dir = "/tmp/\"quoted\"\\ \n";
  answers.credentials["token"] = "/run/a \"b\"";
  const std::string text = init_config(answers, profile);
  const Result<Settings> read = parse_settings(text, "auditferry.toml", "/etc");
  ASSERT_TRUE(read.ok()) << read.error().message << text;
  EXPECT_EQ(read->daemon.state_dir, "/tmp/\"quoted\"\\ \n");
  EXPECT_EQ(read->sources[0].name, "a.b");
}

}  // namespace
}  // namespace auditferry
