#include "daemon/life_signs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <utility>

namespace auditferry {

LifeSigns::LifeSigns(Clock& clock, StorageQueue& storage, std::string file)
    : clock_(clock), storage_(storage), file_(std::move(file)), answered_(clock.steady_now()) {}

Task<void> LifeSigns::watch() {
  for (;;) {
    const LifeSign sign{::getpid(), clock_.steady_now()};
    auto job = [this, &sign](Journal&) {
      if (!file_.empty()) write_life_sign(file_, sign);
      return 0;
    };
    co_await storage_.run(job);
    answered_ = clock_.steady_now();
    co_await clock_.sleep(watch_every);
  }
}

bool LifeSigns::storage_answers() const {
  return clock_.steady_now() - answered_ <= longest_silence;
}

std::string life_sign_path(const std::string& state_dir) {
  return state_dir + "/alive";
}

void write_life_sign(const std::string& path, const LifeSign& sign) {
  char text[64];
  const std::int64_t at = sign.at.time_since_epoch().count();
  const int length = std::snprintf(text, sizeof(text), "%10d %20" PRId64 "\n", sign.process, at);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return;
  if (::pwrite(file, text, static_cast<std::size_t>(length), 0) != length && ::ftruncate(file, 0) != 0) ::unlink(path.c_str());
  ::close(file);
}

std::optional<LifeSign> read_life_sign(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  char text[64] = {};
  const ssize_t length = ::pread(file, text, sizeof(text) - 1, 0);
  ::close(file);
  LifeSign sign;
  std::int64_t at = 0;
  if (length <= 0 || std::sscanf(text, "%d %" SCNd64, &sign.process, &at) != 2) return std::nullopt;
  sign.at = SteadyTime(Duration(at));
  return sign;
}

}  // namespace auditferry
