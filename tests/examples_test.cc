// The examples for compose and Kubernetes. YAML is read by Python's parser, the configurations in it by the program.

#include <gtest/gtest.h>

#include <algorithm>
#include <any>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "config/named_files.h"
#include "config/settings.h"
#include "daemon/load_settings.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "exporters/file_settings.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"

namespace auditferry {
namespace {

const std::string examples = AUDITFERRY_SOURCE "/docs/examples/";
std::string image_text() { return text_of(AUDITFERRY_SOURCE "/Dockerfile"); }

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

std::string value_of(const JsonView& view) { return view.is_string() ? *view.as_string() : std::string(view.raw()); }

// At a pointer; "" when it is not there.
std::string at(const std::string& json, const std::string& pointer) {
  const std::optional<JsonView> found = JsonView(json).at_pointer(pointer);
  return found ? value_of(*found) : "";
}

std::vector<std::string> all_at(const std::string& json, const std::string& pointer) {
  std::vector<std::string> values;
  const std::optional<JsonView> found = JsonView(json).at_pointer(pointer);
  EXPECT_TRUE(found && found->is_array()) << pointer << " is no list in " << json;
  if (!found) return values;
  for (const JsonView element : found->elements()) values.push_back(value_of(element));
  return values;
}

bool has(const std::vector<std::string>& values, const std::string& value) { return std::find(values.begin(), values.end(), value) != values.end(); }

std::string first_group(const std::string& text, const char* pattern) {
  std::smatch found;
  EXPECT_TRUE(std::regex_search(text, found, std::regex(pattern))) << pattern;
  return found.empty() ? "" : found[1].str();
}

// What a container has at a path of its own.
struct Mount {
  std::string path;
  std::string volume;  // "": a single file, or a folder of secrets
  bool writable = false;
};

struct Container {
  std::vector<Mount> mounts;

  // The one that holds it; a test fails when there is none.
  Mount holding(const std::string& path) const {
    for (const Mount& mount : mounts) {
      if (path == mount.path || path.starts_with(mount.path + "/")) return mount;
    }
    ADD_FAILURE() << path << " is under no mount";
    return {};
  }
};

// A configuration as it stands in an example.
struct Example {
  std::string text;
  Settings settings;

  explicit Example(std::string toml) : text(std::move(toml)) {
    Result<Settings> read = parse_settings(text, "the example", "/etc/auditferry");
    EXPECT_TRUE(read.ok()) << read.error().message;
    if (read.ok()) settings = std::move(read).value();
  }
  FileSettings file_exporter() const {
    for (const ExporterSettings& exporter : settings.exporters) {
      if (exporter.type == "file") return std::any_cast<FileSettings>(exporter.own);
    }
    ADD_FAILURE() << "there is no file exporter";
    return {};
  }
  // The part of its path that no record decides.
  std::string folder_of_records() const {
    const std::string path = file_exporter().path;
    return path.substr(0, path.rfind('/', path.find('{')));
  }
  std::string state_dir() const {
    if (settings.daemon.state_dir != DaemonSettings().state_dir) return settings.daemon.state_dir;
    return first_group(image_text(), "\nENV STATE_DIRECTORY=(\\S+)\n");
  }
};

// Everything that the program reads or writes is a mount, since the rest of the root is the image's and read-only.
void expect_all_is_mounted(const Example& example, const Container& container, const std::string& config) {
  container.holding(config);
  const std::vector<std::string> files = named_files(example.text, {nullptr, "/etc/auditferry", false});
  EXPECT_EQ(files.size(), 2u) << "the two halves of the token";
  for (const std::string& file : files) container.holding(file);
  for (const std::string& folder : {example.folder_of_records(), example.state_dir()}) {
    const Mount mount = container.holding(folder);
    EXPECT_TRUE(mount.writable) << folder;
    EXPECT_NE(image_text().find("\"" + mount.path + "\""), std::string::npos) << mount.path << " is no volume of the image";
  }
}

// Another user than the program's, but of the group that its files are given.
void expect_the_collector_can_read(const Example& example, const Container& daemon, const Container& collector, const std::vector<std::string>& arguments) {
  const std::string folder = example.folder_of_records();
  EXPECT_EQ(collector.holding(folder).volume, daemon.holding(folder).volume);
  EXPECT_EQ(collector.holding(folder).path, daemon.holding(folder).path);
  EXPECT_FALSE(collector.holding(folder).writable);
  EXPECT_TRUE(has(arguments, "path=" + folder + "/*.jsonl"));
  const FileSettings file = example.file_exporter();
  EXPECT_EQ(file.mode, 0640u);
  EXPECT_EQ(file.group, "") << "the files are of the group that the program runs as";
  EXPECT_TRUE(file.path.ends_with(".jsonl"));
  EXPECT_EQ(file.path.find('/', folder.size() + 1), std::string::npos) << "the pattern goes into no folder";
  // Where the collector keeps its positions is its own, and is kept.
  const auto positions = std::find_if(arguments.begin(), arguments.end(), [](const std::string& one) { return one.starts_with("db="); });
  ASSERT_NE(positions, arguments.end());
  const Mount kept = collector.holding(positions->substr(3));
  EXPECT_TRUE(kept.writable && !kept.volume.empty());
  EXPECT_NE(kept.volume, daemon.holding(folder).volume);
}

Container compose_container(const std::string& service) {
  Container container;
  for (const std::string& volume : all_at(service, "/volumes")) {
    const std::size_t colon = volume.find(':');
    const std::size_t end = volume.find(':', colon + 1);
    container.mounts.push_back({volume.substr(colon + 1, end - colon - 1), volume.substr(0, colon), end == volume.npos});
  }
  for (const char* kind : {"/configs", "/secrets"}) {
    if (!JsonView(service).at_pointer(kind)) continue;
    for (const std::string& one : all_at(service, kind)) {
      container.mounts.push_back({one.starts_with("{") ? at(one, "/target") : "/run/secrets/" + one, "", false});
    }
  }
  return container;
}

class ComposeExample : public testing::Test {
 protected:
  const std::string json_ = yaml_as_json(examples + "compose.yaml");
  const std::string service_ = at(json_, "/0/services/auditferry");
  const std::string collector_ = at(json_, "/0/services/collector");
  const Example example_{text_of(examples + at(json_, "/0/configs/auditferry/file"))};
};

TEST_F(ComposeExample, EveryServiceIsReadOnlyAndComesBackAfterARestart) {
  for (const std::string& service : {service_, collector_}) {
    EXPECT_EQ(at(service, "/read_only"), "true");
    EXPECT_EQ(at(service, "/cap_drop"), "[\"ALL\"]");
    EXPECT_EQ(at(service, "/security_opt"), "[\"no-new-privileges:true\"]");
    // "on-failure" would leave it alone after a reboot, which ends it with status 0.
    EXPECT_EQ(at(service, "/restart"), "unless-stopped");
  }
  const std::string grace = at(service_, "/stop_grace_period");
  EXPECT_GT(parse_duration(grace).value_or(Duration()), example_.settings.daemon.shutdown_timeout) << grace;
}

// Compose puts texts and variables into a container by writing there, which it refuses for a read-only one.
TEST_F(ComposeExample, ConfigurationAndSecretsAreFiles) {
  std::vector<std::string> kinds;
  for (const char* kind : {"/0/configs", "/0/secrets"}) {
    const std::optional<JsonView> given = JsonView(json_).at_pointer(kind);
    ASSERT_TRUE(given) << kind;
    for (const JsonView::Member& one : given->members()) {
      kinds.push_back(one.key());
      for (const JsonView::Member& key : one.value.members()) EXPECT_EQ(key.key(), "file") << one.key();
      EXPECT_TRUE(at(std::string(one.value.raw()), "/file").starts_with("./")) << one.key();
    }
  }
  for (const std::string& secret : all_at(service_, "/secrets")) EXPECT_TRUE(has(kinds, secret)) << secret;
  for (const std::string& config : all_at(service_, "/configs")) EXPECT_TRUE(has(kinds, at(config, "/source"))) << config;
}

TEST_F(ComposeExample, WhatTheProgramNeedsIsMounted) {
  expect_all_is_mounted(example_, compose_container(service_), first_group(image_text(), "\nCMD \\[\"run\", \"--config\", \"([^\"]+)\"\\]"));
  for (const std::string& service : {service_, collector_}) {
    for (const Mount& mount : compose_container(service).mounts)
      EXPECT_TRUE(mount.volume.empty() || JsonView(json_).at_pointer("/0/volumes/" + mount.volume)) << mount.volume;
  }
  EXPECT_TRUE(has(all_at(service_, "/ports"), "127.0.0.1:" + std::to_string(example_.settings.admin.port) + ":" + std::to_string(example_.settings.admin.port)));
  EXPECT_EQ(example_.settings.admin.host, "0.0.0.0");
}

TEST_F(ComposeExample, TheCollectorMayReadTheRecords) {
  expect_the_collector_can_read(example_, compose_container(service_), compose_container(collector_), all_at(collector_, "/command"));
  const std::string group = first_group(image_text(), "\nUSER [0-9]+:([0-9]+)\n");
  EXPECT_EQ(all_at(collector_, "/group_add"), std::vector<std::string>{group});
  EXPECT_NE(image_text().find("install -d -o auditferry -g auditferry -m 0750 " + example_.folder_of_records()), std::string::npos)
      << "a new volume is as the image's folder is";
}

Container pod_container(const std::string& pod, const std::string& container_json) {
  Container container;
  for (const std::string& mount : all_at(container_json, "/volumeMounts")) {
    const std::string name = at(mount, "/name");
    const std::vector<std::string> of_pod = all_at(pod, "/volumes");
    const bool given_by_pod = std::any_of(of_pod.begin(), of_pod.end(), [&](const std::string& volume) { return at(volume, "/name") == name; });
    container.mounts.push_back({at(mount, "/mountPath"), given_by_pod ? "" : name, at(mount, "/readOnly") != "true"});
  }
  return container;
}

class KubernetesExample : public testing::Test {
 protected:
  std::string document(const std::string& kind) const {
    for (const JsonView one : JsonView(json_).elements()) {
      const std::string text(one.raw());
      if (at(text, "/kind") == kind) return text;
    }
    ADD_FAILURE() << "there is no " << kind;
    return "{}";
  }
  static Duration seconds_of(const std::string& number) { return std::chrono::seconds(std::stoi("0" + number)); }

  const std::string json_ = yaml_as_json(examples + "kubernetes.yaml");
  const std::string set_ = document("StatefulSet");
  const std::string pod_ = at(set_, "/spec/template/spec");
  const std::string container_ = at(pod_, "/containers/0");
  const std::string collector_ = at(pod_, "/containers/1");
  const Example example_{at(document("ConfigMap"), "/data/auditferry.toml")};
};

TEST_F(KubernetesExample, ProbesAskTheListener) {
  EXPECT_EQ(at(set_, "/spec/replicas"), "1");
  EXPECT_EQ(at(container_, "/ports/0/containerPort"), std::to_string(example_.settings.admin.port));
  EXPECT_EQ(at(container_, "/ports/0/name"), "admin");
  EXPECT_EQ(example_.settings.admin.host, "0.0.0.0") << "the kubelet asks from outside of the pod";
  for (const char* probe : {"/startupProbe", "/livenessProbe", "/readinessProbe"}) {
    EXPECT_EQ(at(container_, std::string(probe) + "/httpGet/path"), std::string(probe) == "/readinessProbe" ? "/readyz" : "/healthz");
    EXPECT_EQ(at(container_, std::string(probe) + "/httpGet/port"), "admin");
  }
  EXPECT_GT(seconds_of(at(pod_, "/terminationGracePeriodSeconds")), example_.settings.daemon.shutdown_timeout);
}

TEST_F(KubernetesExample, NobodyIsRootOrWritesTheRoot) {
  EXPECT_EQ(at(pod_, "/securityContext/runAsNonRoot"), "true");
  EXPECT_EQ(at(pod_, "/securityContext/runAsUser"), first_group(image_text(), "\nUSER ([0-9]+):[0-9]+\n"));
  for (const std::string& container : {container_, collector_}) {
    EXPECT_EQ(at(container, "/securityContext/readOnlyRootFilesystem"), "true");
    EXPECT_EQ(at(container, "/securityContext/allowPrivilegeEscalation"), "false");
    EXPECT_EQ(at(container, "/securityContext/capabilities/drop"), "[\"ALL\"]");
    EXPECT_NE(at(container, "/securityContext/runAsUser"), "0");
  }
}

TEST_F(KubernetesExample, WhatTheProgramNeedsIsMounted) {
  const std::vector<std::string> arguments = all_at(container_, "/args");
  ASSERT_EQ(arguments.size(), 3u);
  EXPECT_EQ(arguments[0] + " " + arguments[1], "run --config");
  expect_all_is_mounted(example_, pod_container(pod_, container_), arguments[2]);
  EXPECT_TRUE(arguments[2].ends_with("/auditferry.toml")) << "the key of the ConfigMap";
  // A volume of the pod or a claim for each mount, and a mount for each of them.
  std::vector<std::string> given;
  for (const std::string& volume : all_at(pod_, "/volumes")) given.push_back(at(volume, "/name"));
  for (const std::string& claim : all_at(set_, "/spec/volumeClaimTemplates")) given.push_back(at(claim, "/metadata/name"));
  std::vector<std::string> mounted;
  for (const std::string& container : {container_, collector_}) {
    for (const std::string& mount : all_at(container, "/volumeMounts")) {
      if (!has(mounted, at(mount, "/name"))) mounted.push_back(at(mount, "/name"));
    }
  }
  EXPECT_TRUE(std::is_permutation(given.begin(), given.end(), mounted.begin(), mounted.end()));
}

TEST_F(KubernetesExample, TheCollectorMayReadTheRecords) {
  expect_the_collector_can_read(example_, pod_container(pod_, container_), pod_container(pod_, collector_), all_at(collector_, "/args"));
  EXPECT_EQ(at(pod_, "/securityContext/fsGroup"), at(pod_, "/securityContext/runAsGroup")) << "the files' group, and of both containers";
  EXPECT_NE(at(collector_, "/securityContext/runAsUser"), at(pod_, "/securityContext/runAsUser")) << "as their owner it could write them";
}

TEST_F(KubernetesExample, APolicyLetsOnlyTheMonitoringIn) {
  const std::string policy = document("NetworkPolicy");
  const std::string label = at(set_, "/spec/template/metadata/labels");
  EXPECT_EQ(at(policy, "/spec/podSelector/matchLabels"), label);
  EXPECT_EQ(at(document("Service"), "/spec/selector"), label);
  EXPECT_EQ(at(policy, "/spec/policyTypes"), "[\"Ingress\"]");
  ASSERT_EQ(all_at(policy, "/spec/ingress").size(), 1u);
  EXPECT_EQ(at(policy, "/spec/ingress/0/from"), "[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"monitoring\"}}}]");
  EXPECT_EQ(at(policy, "/spec/ingress/0/ports"), "[{\"protocol\":\"TCP\",\"port\":" + std::to_string(example_.settings.admin.port) + "}]");
}

}  // namespace
}  // namespace auditferry
