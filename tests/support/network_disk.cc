// Loaded into the program under test (LD_PRELOAD): what lies at or below the folder that NETWORK_DISK names is on NFS.

#include <dlfcn.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <cstdlib>
#include <string>

extern "C" int statfs(const char* path, struct statfs* about) {
  using Call = int (*)(const char*, struct statfs*);
  static const auto real = reinterpret_cast<Call>(dlsym(RTLD_NEXT, "statfs"));
  const int code = real(path, about);
  const char* disk = std::getenv("NETWORK_DISK");
  if (code == 0 && disk && (std::string(path) + "/").starts_with(std::string(disk) + "/")) about->f_type = NFS_SUPER_MAGIC;
  return code;
}
