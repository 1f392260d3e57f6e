#include "daemon/init_service.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace auditferry {

std::string service_group() {
  if (geteuid() != 0) return "";
  // One thread: this is asked before anything else runs.
  const struct passwd* user = getpwnam("auditferry");
  const struct group* group = user != nullptr ? getgrgid(user->pw_gid) : nullptr;
  return group != nullptr ? group->gr_name : "";
}

}  // namespace auditferry
