#pragma once
// A group to give files to, and whose a file is.

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace auditferry {

struct NamedGroup {
  std::string name;
  gid_t id = 0;
};

// Not the process's own, which files get by themselves: any for root, else one of which the user is a member. Who is a
// member of no other group gives to the own one.
inline NamedGroup group_to_give_to() {
  std::vector<gid_t> member(static_cast<std::size_t>(getgroups(0, nullptr)));
  member.resize(static_cast<std::size_t>(getgroups(static_cast<int>(member.size()), member.data())));
  NamedGroup found;
  setgrent();
  while (const group* entry = getgrent()) {
    const bool may = geteuid() == 0 || std::find(member.begin(), member.end(), entry->gr_gid) != member.end();
    if (entry->gr_gid == getegid() && found.name.empty()) found = {entry->gr_name, entry->gr_gid};
    if (entry->gr_gid == getegid() || !may) continue;
    found = {entry->gr_name, entry->gr_gid};
    break;
  }
  endgrent();
  EXPECT_FALSE(found.name.empty()) << "the process's group needs a name in /etc/group for this test";
  return found;
}

inline gid_t group_of(const std::string& path) {
  struct stat about {};
  EXPECT_EQ(stat(path.c_str(), &about), 0) << path;
  return about.st_gid;
}

}  // namespace auditferry
