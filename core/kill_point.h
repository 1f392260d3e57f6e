#pragma once
// Places at which a test build of the program can be killed (SIGKILL: nothing is flushed, no destructor runs), to prove
// that the promises hold wherever it ends. In a build without AUDITFERRY_KILL_POINTS, such as the release, a passage does
// nothing and the environment is not read.

#include <string_view>

namespace auditferry {

// To be called where the program passes "POINT" or "POINT OF", such as "commit.before store_page". The variables:
//   AUDITFERRY_KILL_AT="commit.before store_page:3"   kills the process at the third passage
//   AUDITFERRY_KILL_LIST=FILE                         appends the name of the point to FILE at each passage
// From any thread.
void kill_point(std::string_view point, std::string_view of = {});

}  // namespace auditferry
