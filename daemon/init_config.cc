#include "daemon/init_config.h"

#include <algorithm>
#include <cctype>

#include "encoding/json_text.h"

namespace auditferry {
namespace {

// What JSON escapes is the same in TOML's basic strings.
std::string quoted(const std::string& text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

// A key that needs no quotes stays without.
std::string key(const std::string& name) {
  const auto bare = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), bare) ? name : quoted(name);
}

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + quoted(name);
  return "[" + out + "]";
}

std::string source_table(const InitAnswers& answers, const Profile& profile) {
  const std::string title = profile.title.empty() ? profile.vendor : profile.title;
  std::string text = "# " + title + ". The name after the dot is a label: it may be changed at any time.\n[sources." + key(answers.source) + "]\nprofile = " +
                     quoted(answers.profile) + "\n";
  const bool own_address = !answers.base_url.empty() && answers.base_url != profile.base_url;
  text += (own_address ? "" : "# The profile's own address:\n#") + ("base_url = " + quoted(own_address ? answers.base_url : profile.base_url)) + "\n";
  if (!answers.tenant.empty()) text += "tenant = " + quoted(answers.tenant) + "\n";
  text += "streams = " + list(answers.streams) + "\n"
          "# Where the collection begins: a time (\"2025-11-01T00:00:00Z\"), a time before the first start, or \"oldest\".\n"
          "start = " + quoted(answers.start) + "\n"
          "# How long the portal keeps records, if you know it: then status and metrics tell how much time is left.\n"
          "#retention = \"90d\"\n"
          "# Secrets never stand in this file. Beside { file = … } there are { env = \"NAME\" } and, under systemd,\n"
          "# { credential = \"NAME\" }.\n";
  for (const std::string& name : profile.credentials) {
    const auto file = answers.credentials.find(name);
    text += "credentials." + key(name) + " = { file = " + quoted(file == answers.credentials.end() ? "" : file->second) + " }\n";
  }
  return text;
}

}  // namespace

std::string init_config(const InitAnswers& answers, const Profile& profile) {
  return "# auditferry, as written by 'auditferry init'. docs/configuration.md explains every key.\n"
         "#   auditferry check --online --config FILE    asks the portal and every exporter\n"
         "#   auditferry run --config FILE               collects and delivers until it is told to stop\n"
         "\n"
         "[daemon]\n"
         "# The journal: what was fetched, and up to where each exporter has got it. On a local disk.\n"
         "state_dir = " + quoted(answers.state_dir) + "\n"
         "\n"
         "[admin]\n"
         "# The status page, metrics and health, without a password: keep it on this machine. \"\": none.\n"
         "listen = " + quoted(answers.listen) + "\n"
         "\n" + source_table(answers, profile) +
         "\n"
         "# Every record in a file, one JSON object on a line. {date} is the record's own, in UTC.\n"
         "[exporters.archive]\n"
         "type = \"file\"\n"
         "path = " + quoted(answers.records + "/{source}-{stream}-{date}.jsonl") + "\n"
         "\n"
         "# A SIEM beside it (docs/exporters.md, docs/syslog.md); each exporter goes at its own pace. For example:\n"
         "#[exporters.siem]\n"
         "#type = \"splunk_hec\"                      # or syslog, elasticsearch, otlp, http\n"
         "#url = \"https://splunk.example.com:8088\"\n"
         "#token = { file = \"secrets/hec_token\" }\n";
}

}  // namespace auditferry
