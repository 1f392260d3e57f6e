#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace auditferry {

// What `call` says, called in a process of its own for which `folder` is an empty disk (tmpfs with these flags and
// options of mount).
template <class Call>
std::string on_its_own_disk(const std::string& folder, unsigned long flags, const char* options, Call call) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t child = fork();
  EXPECT_GE(child, 0);
  if (child == 0) {
    // Root needs no user of its own there, others do.
    const bool apart = unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    // In a chroot "/" is no mount that could be made private: others may see the disk until it is unmounted.
    const bool own = apart && (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 || errno == EINVAL);
    const bool mounted = own && mount("tmpfs", folder.c_str(), "tmpfs", flags, options) == 0;
    const std::string said = mounted ? call() : "this test needs to mount a disk for itself: run it as root, or where user namespaces are allowed";
    if (mounted) umount2(folder.c_str(), MNT_DETACH);
    const bool written = write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  std::string said;
  std::array<char, 4096> bytes{};
  for (ssize_t got = 0; (got = read(ends[0], bytes.data(), bytes.size())) > 0;) said.append(bytes.data(), static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << said;
  return said;
}

template <class Call>
std::string on_a_read_only_disk(const std::string& folder, Call call) {
  return on_its_own_disk(folder, MS_RDONLY, nullptr, call);
}

}  // namespace auditferry
