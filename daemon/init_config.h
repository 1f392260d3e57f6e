#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/profile.h"

namespace auditferry {

// What `auditferry init` has found out.
struct InitAnswers {
  std::string profile;   // a built-in profile's name
  std::string base_url;  // empty: the profile's
  std::string tenant;    // empty: none
  std::vector<std::string> streams;
  std::string source;  // the label
  std::string start = "-24h";
  std::string listen = "127.0.0.1:9640";
  std::string state_dir;
  std::string records;                             // the folder of the file exporter
  std::map<std::string, std::string> credentials;  // name -> path of the file that holds it
};

// The configuration with comments, for people to go on from: the source, a file exporter, and what an exporter
// to a SIEM looks like. Holds no secret, only where they are. Pure.
std::string init_config(const InitAnswers& answers, const Profile& profile);

}  // namespace auditferry
