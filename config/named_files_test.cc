#include "config/named_files.h"

#include <gtest/gtest.h>

namespace auditferry {
namespace {

using Names = std::vector<std::string>;

Names files_of(const std::string& text) {
  const SecretPlaces places{[](const std::string& name) { return name == "CREDENTIALS_DIRECTORY" ? std::optional<std::string>("/run/credentials") : std::nullopt; },
                            "/etc/auditferry", true};
  return named_files(text, places);
}

TEST(NamedFiles, SecretsAndCertificatesWhereverTheyStand) {
  EXPECT_EQ(files_of("[sources.acme]\ncredentials.token_key = { file = \"secrets/key\" }\ncredentials.token_secret = { file = \"/run/secret\" }\n"
                     "proxy = { env = \"PROXY\" }\n[sources.acme.tls]\nca_file = \"ca.pem\"\ncert_file = \"\"\n"
                     "[exporters.siem]\ntoken = { credential = \"hec\" }\ntls.key_file = \"/k.pem\"\n"
                     "[[exporters.siem.headers]]\nvalue = { file = \"secrets/key\" }\nother = { file = \"x\" }\n"),
            (Names{"/etc/auditferry/secrets/key", "/run/secret", "/etc/auditferry/ca.pem", "/run/credentials/hec", "/k.pem", "/etc/auditferry/x"}));
}

TEST(NamedFiles, OtherFilesAreNone) {
  EXPECT_EQ(files_of("[exporters.archive]\ntype = \"file\"\npath = \"/x\"\nfile = \"y\"\n[daemon]\nstate_dir = \"/z\"\nlist = [\"a\", 1]\n"), Names());
  EXPECT_EQ(files_of("[broken"), Names());
}

}  // namespace
}  // namespace auditferry
