// What is shipped to run the program: the unit, the image, and the examples for compose and Kubernetes. YAML is
// read by Python's parser, the configurations in it by the program.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/settings.h"
#include "daemon/life_signs.h"
#include "daemon/load_settings.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

const std::string source = AUDITFERRY_SOURCE "/";

// A list of the file's documents, as minified JSON.
std::string yaml_as_json(const std::string& path) {
  TemporaryFolder folder;
  const std::string script = "import sys, yaml, json; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1]))), separators=(',', ':')), end='')";
  ChildProcess python({"/usr/bin/python3", "-c", script, path}, {}, folder / "output");
  EXPECT_EQ(python.wait(std::chrono::seconds(120)), 0) << python.output();
  const std::string json = python.output();
  EXPECT_TRUE(scan_json(json).ok()) << json;
  return json;
}

Result<Settings> settings_of(const std::string& toml) {
  TemporaryFolder folder;
  std::ofstream(folder / "auditferry.toml") << toml;
  return load_settings(folder / "auditferry.toml", false);
}

// At a pointer; "" when it is not there.
std::string at(const std::string& json, const std::string& pointer) {
  const std::optional<JsonView> found = JsonView(json).at_pointer(pointer);
  if (!found) return "";
  return found->is_string() ? *found->as_string() : std::string(found->raw());
}

Duration seconds_of(const std::string& number) { return std::chrono::seconds(std::stoi(number)); }

std::multimap<std::string, std::string> unit() {
  std::multimap<std::string, std::string> keys;
  std::istringstream lines(text_of(source + "systemd/auditferry.service"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (!line.starts_with('#') && equals != line.npos) keys.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return keys;
}

std::string the(const std::multimap<std::string, std::string>& keys, const std::string& key) {
  EXPECT_EQ(keys.count(key), 1u) << key;
  const auto found = keys.find(key);
  return found == keys.end() ? "" : found->second;
}

// "docs/journal.md" in a message is in the package, and so is what stands beside it.
TEST(Package, BringsTheDocumentationThatMessagesName) {
  const std::regex named(R"(docs/[a-z]+\.md)");
  std::set<std::string> files;
  for (const char* folder : {"core", "encoding", "config", "storage", "net", "sources", "exporters", "daemon"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source + folder)) {
      if (entry.path().extension() != ".cc" && entry.path().extension() != ".h" && entry.path().extension() != ".toml") continue;
      const std::string text = text_of(entry.path());
      for (std::sregex_iterator found(text.begin(), text.end(), named); found != std::sregex_iterator(); ++found) files.insert(found->str());
    }
  }
  EXPECT_TRUE(files.contains("docs/journal.md") && files.contains("docs/syslog.md"));
  for (const std::string& file : files) EXPECT_TRUE(std::filesystem::exists(source + file)) << file;
  const std::string packaging = text_of(source + "cmake/packaging.cmake");
  EXPECT_NE(packaging.find("file(GLOB documentation CONFIGURE_DEPENDS docs/*.md)\ninstall(FILES ${documentation} DESTINATION ${AUDITFERRY_DOC})"),
            std::string::npos);
  // Whoever reads the documentation finds all of it.
  const std::string readme = text_of(source + "README.md");
  for (const auto& entry : std::filesystem::directory_iterator(source + "docs")) {
    const std::string file = "docs/" + entry.path().filename().string();
    if (entry.path().extension() == ".md") {
      EXPECT_NE(readme.find("](" + file + ")"), std::string::npos) << file << " is linked from nowhere";
    }
  }
}

TEST(Unit, StopsLaterThanTheProgramDoesAndRestartsWhatCrashes) {
  const auto keys = unit();
  EXPECT_GT(*parse_duration(the(keys, "TimeoutStopSec")), DaemonSettings().shutdown_timeout);
  // Two silences of the storage thread are noticed before a third.
  EXPECT_GE(*parse_duration(the(keys, "WatchdogSec")), LifeSigns::longest_silence);
  EXPECT_EQ(the(keys, "Type"), "notify");
  EXPECT_EQ(the(keys, "Restart"), "on-failure");
  EXPECT_EQ(the(keys, "StartLimitIntervalSec"), "0");
  EXPECT_EQ(the(keys, "RestartPreventExitStatus"), "2");
  // A failed ExecStartPre would be tried again for ever: RestartPreventExitStatus knows the main process only.
  EXPECT_EQ(the(keys, "ExecStartPre"), "-/usr/bin/auditferry check --config /etc/auditferry/auditferry.toml");
}

TEST(Unit, KeepsItsUserAndItsSecrets) {
  const auto keys = unit();
  EXPECT_EQ(the(keys, "User"), "auditferry");
  EXPECT_EQ(keys.count("DynamicUser"), 0u);
  EXPECT_EQ(the(keys, "LimitCORE"), "0");
  EXPECT_EQ(the(keys, "StateDirectoryMode"), "0700");
  EXPECT_EQ(text_of(source + "systemd/auditferry.sysusers").substr(0, 13), "u auditferry ");
}

TEST(Unit, LetsTheFileExporterGiveItsFilesToAGroup) {
  const auto keys = unit();
  std::vector<std::string> filters;
  const auto [begin, end] = keys.equal_range("SystemCallFilter");
  for (auto filter = begin; filter != end; ++filter) filters.push_back(filter->second);
  ASSERT_FALSE(filters.empty());
  EXPECT_EQ(filters.back(), "fchown") << "after ~@privileged, which holds it";
  EXPECT_EQ(the(keys, "SystemCallErrorNumber"), "EPERM");
}

TEST(Image, IsAskedForItsHealthAndIsNotRoot) {
  const std::string text = text_of(source + "Dockerfile");
  EXPECT_NE(text.find("CMD [\"/usr/bin/auditferry\", \"health\", \"--config\", \"/etc/auditferry/auditferry.toml\"]"), std::string::npos);
  EXPECT_NE(text.find("\nUSER 10640:10640\n"), std::string::npos);
  EXPECT_NE(text.find("\nSTOPSIGNAL SIGTERM\n"), std::string::npos);
}

TEST(Compose, IsReadOnlyAndItsConfigurationIsValid) {
  const std::string json = yaml_as_json(source + "docs/examples/compose.yaml");
  const Result<Settings> settings = settings_of(at(json, "/0/configs/auditferry/content"));
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  const std::string service = at(json, "/0/services/auditferry");
  EXPECT_EQ(at(service, "/read_only"), "true");
  EXPECT_EQ(at(service, "/cap_drop"), "[\"ALL\"]");
  const std::string grace = at(service, "/stop_grace_period");
  EXPECT_GT(parse_duration(grace).value_or(Duration()), settings->daemon.shutdown_timeout) << grace;
  for (const JsonView secret : JsonView(json).at_pointer("/0/services/auditferry/secrets")->elements())
    EXPECT_NE(at(json, "/0/secrets/" + *secret.as_string() + "/file"), "");
}

TEST(Kubernetes, ProbesAskTheListenerAndItsConfigurationIsValid) {
  const std::string json = yaml_as_json(source + "docs/examples/kubernetes.yaml");
  EXPECT_EQ(at(json, "/0/kind"), "ConfigMap");
  const Result<Settings> settings = settings_of(at(json, "/0/data/auditferry.toml"));
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(at(json, "/2/kind"), "StatefulSet");
  const std::string pod = at(json, "/2/spec/template/spec");
  const std::string container = at(pod, "/containers/0");
  EXPECT_EQ(at(json, "/2/spec/replicas"), "1");
  EXPECT_EQ(at(container, "/ports/0/containerPort"), std::to_string(settings->admin.port));
  EXPECT_EQ(settings->admin.host, "0.0.0.0") << "the kubelet asks from outside of the pod";
  EXPECT_EQ(at(container, "/startupProbe/httpGet/path"), "/healthz");
  EXPECT_EQ(at(container, "/livenessProbe/httpGet/path"), "/healthz");
  EXPECT_EQ(at(container, "/readinessProbe/httpGet/path"), "/readyz");
  EXPECT_GT(seconds_of(at(pod, "/terminationGracePeriodSeconds")), settings->daemon.shutdown_timeout);
  EXPECT_EQ(at(pod, "/securityContext/runAsUser"), "10640");
  EXPECT_EQ(at(container, "/securityContext/readOnlyRootFilesystem"), "true");
  std::set<std::string> mounted;
  for (const JsonView mount : JsonView(container).at_pointer("/volumeMounts")->elements())
    mounted.insert(*mount.find("name")->as_string());
  EXPECT_EQ(mounted, (std::set<std::string>{"config", "secrets", "state", "records"}));
  std::set<std::string> given;
  for (const JsonView volume : JsonView(pod).at_pointer("/volumes")->elements()) given.insert(*volume.find("name")->as_string());
  for (const JsonView claim : JsonView(json).at_pointer("/2/spec/volumeClaimTemplates")->elements())
    given.insert(*claim.at_pointer("/metadata/name")->as_string());
  EXPECT_EQ(mounted, given);
}

}  // namespace
}  // namespace auditferry
