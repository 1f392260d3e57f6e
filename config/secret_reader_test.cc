#include "config/secret_reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/current_user.h"
#include "config/peer_reader.h"
#include "tests/support/config_fixture.h"
#include "tests/support/without_root.h"

namespace auditferry {
namespace {

using fixture::ConfigFolder;

struct Outcome {
  std::optional<Secret> secret;
  std::string problems;
};

Outcome read(const std::string& text, const SecretPlaces& places) {
  TomlProblems problems;
  const auto document = TomlDocument::parse(text, "f", problems);
  Outcome outcome;
  if (document) {
    TomlTable root = document->root();
    outcome.secret = read_secret(root, "token", places);
    document->report_unknown_keys();
  }
  if (!problems.empty()) outcome.problems = problems.status().error().message;
  return outcome;
}

TEST(SecretReader, ReadsTheThreePlaces) {
  const ConfigFolder folder;
  folder.write("token", "example-token\n");
  SecretPlaces places{[&folder](const std::string& name) -> std::optional<std::string> {
                        if (name == "CREDENTIALS_DIRECTORY") return folder.path();
                        if (name == "KEY") return "example-key";
                        return std::nullopt;
                      },
                      folder.path(), true};
  EXPECT_EQ(read("token = { env = 'KEY' }", places).secret, Secret("example-key"));
  EXPECT_EQ(read("token = { file = 'token' }", places).secret, Secret("example-token"));
  EXPECT_EQ(read("token = { credential = 'token' }", places).secret, Secret("example-token"));
  EXPECT_EQ(read("x = 1", places).secret, std::nullopt);

  folder.write("token", "two\n\n");
  EXPECT_EQ(read("token = { file = 'token' }", places).secret, Secret("two\n"));
  folder.write("token", "\n");
  EXPECT_EQ(
      read("token = { file = 'token' }", places).problems,
      "f:1:11: token.file: the secret's file " + folder.path() + "/token is empty: write the secret into it");
  folder.write("token", std::string(70'000, 'x'));
  EXPECT_NE(read("token = { file = 'token' }", places).problems.find("more than 64 KiB"), std::string::npos);
  EXPECT_NE(read("token = { file = '.' }", places).problems.find("is a folder"), std::string::npos);
}

TEST(SecretReader, NamesTheUserThatMayNotRead) {
  const ConfigFolder folder;
  folder.write("token", "example-token\n");
  ASSERT_EQ(chmod((folder.path() + "/token").c_str(), 0), 0);
  const WithoutRoot without_root;
  ASSERT_TRUE(without_root.effective());
  const std::string problems = read("token = { file = 'token' }", {nullptr, folder.path(), true}).problems;
  EXPECT_NE(problems.find("cannot be read: Permission denied; let the user " + current_user() + " read it"), std::string::npos) << problems;
}

TEST(SecretReader, RefusesWhatIsNoPlace) {
  const std::string form = "write { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }";
  SecretPlaces places{[](const std::string& name) -> std::optional<std::string> {
                        return name == "EMPTY" ? std::optional<std::string>("") : std::nullopt;
                      },
                      "", true};
  EXPECT_EQ(read("token = 'hunter2'", places).problems,
            "f:1:1: token: a secret never stands in this file: " + form);
  EXPECT_EQ(read("token = 17", places).problems, "f:1:1: token: a secret never stands in this file: " + form);
  EXPECT_EQ(read("token = {}", places).problems,
            "f:1:1: token: says no place to take the secret from: " + form);
  EXPECT_EQ(read("token = { env = 'A', file = 'b' }", places).problems,
            "f:1:1: token: names more than one place: " + form);
  EXPECT_EQ(read("token = { env = '' }", places).problems, "f:1:1: token: names an empty place: " + form);
  EXPECT_EQ(read("token = { env = 'NONE' }", places).problems,
            "f:1:11: token.env: the environment variable NONE is not set: set it before auditferry starts");
  EXPECT_EQ(read("token = { env = 'EMPTY' }", places).problems,
            "f:1:11: token.env: the environment variable EMPTY is empty: put the secret into it");
  EXPECT_EQ(read("token = { file = '/nonexistent/x' }", places).problems,
            "f:1:11: token.file: the secret's file /nonexistent/x cannot be read: No such file or directory; "
            "create it, and let the user that runs auditferry read it");
  const std::string outside = read("token = { credential = 'x' }", places).problems;
  EXPECT_NE(outside.find("LoadCredential=x:PATH"), std::string::npos);
  EXPECT_NE(outside.find("outside of the service, as root, say where that file is: CREDENTIALS_DIRECTORY=/run/credentials/auditferry.service auditferry …"),
            std::string::npos);
  EXPECT_NE(read("token = { credential = '../x' }", places).problems.find("is a path"), std::string::npos);
  EXPECT_NE(read("token = { env = 'EMPTY', fil = 'x' }", places).problems.find("did you mean \"file\"?"),
            std::string::npos);
  places.resolve = false;
  EXPECT_EQ(read("token = { env = 'NONE' }", places).secret, Secret());
  EXPECT_EQ(read("token = 'x'", places).secret, std::nullopt);
}

std::string read_address(const std::string& url, bool insecure, std::string* problem = nullptr) {
  TomlProblems problems;
  const auto document = TomlDocument::parse("url = '" + url + "'", "f", problems);
  TomlTable root = document->root();
  PeerSettings peer;
  peer.tls.insecure = insecure;
  const std::string result = read_url(root, "url", "", peer);
  EXPECT_EQ(result.empty(), !problems.empty()) << url;
  if (problem != nullptr && !problems.empty()) *problem = problems.status().error().message;
  return result;
}

TEST(PeerReader, ReadsUrls) {
  EXPECT_EQ(read_address("https://portal.example.com/api/", false), "https://portal.example.com/api");
  for (const char* local : {"http://127.0.0.1:8480", "http://127.9.0.1", "http://[::1]:80/x",
                            "http://localhost", "http://LocalHost:1", "http://a.localhost"})
    EXPECT_NE(read_address(local, false), "") << local;
  for (const char* remote : {"http://portal.example.com", "http://10.0.0.1", "http://[fe80::1]:80",
                             "http://localhost.example.com", "http://127.0.0.1.example.com"}) {
    EXPECT_EQ(read_address(remote, false), "") << remote;
    EXPECT_NE(read_address(remote, true), "") << remote;
  }
  for (const char* wrong : {"", "portal.example.com", "ftp://x", "https://", "https:///x", "https://a:0",
                            "https://a:99999", "https://a:x", "https://a b", "https://[::1", "https://::1/",
                            "https://a/x?y=1", "https://a/#x", "https://a\\b"})
    EXPECT_EQ(read_address(wrong, true), "") << wrong;
  std::string problem;
  EXPECT_EQ(read_address("https://user:hunter2@portal.example.com", false, &problem), "");
  EXPECT_EQ(problem.find("hunter2"), std::string::npos) << problem;
}

}  // namespace
}  // namespace auditferry
