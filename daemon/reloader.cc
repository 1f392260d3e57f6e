#include "daemon/reloader.h"

#include "core/run_blocking.h"
#include "core/task_group.h"

namespace auditferry {
namespace {

constexpr Duration look_every = std::chrono::seconds(10);

std::string joined(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += (text.empty() ? "" : ", ") + path;
  return text;
}

}  // namespace

Reloader::Reloader(ReloadWorld world, const LoadedSettings& running)
    : world_(std::move(world)), text_sha256_(running.text_sha256), files_(running.files), watch_(world_.fingerprint), requested_bell_(world_.loop) {}

void Reloader::request() {
  requested_ = true;
  requested_bell_.ring();
}

Task<void> Reloader::run() {
  auto begin = [this] { watch_.watch(files_); };
  co_await run_blocking(world_.thread, begin);
  for (;;) {
    if (requested_) {
      requested_ = false;
      co_await reload();
    } else {
      co_await look_at_files();
    }
    if (!requested_) co_await wait();
  }
}

Task<void> Reloader::wait() {
  Task<void> request = requested_bell_.wait();
  Task<void> time = world_.clock.sleep(look_every);
  co_await first_to_end(std::move(request), std::move(time));
}

// The files are looked at before they are read: what changes meanwhile is noticed the next time.
Task<Result<LoadedSettings>> Reloader::read() {
  auto look_and_read = [this] {
    watch_.changed();
    return world_.load();
  };
  co_return co_await run_blocking(world_.thread, look_and_read);
}

Task<void> Reloader::reload() {
  world_.tell_manager(true);
  world_.log.info("SIGHUP: reopening files and connections, reading secrets, certificates and the configuration again");
  world_.reopen();
  Result<LoadedSettings> settings = co_await read();
  if (settings.ok()) {
    co_await take(std::move(settings).value());
  } else {
    refuse("the new configuration is refused, and the one in use goes on:", settings.error().message);
  }
  world_.tell_manager(false);
}

Task<void> Reloader::look_at_files() {
  auto look = [this] { return watch_.changed(); };
  const std::vector<std::string> changed = co_await run_blocking(world_.thread, look);
  // The first time, for what was changed after the program had read it and before it was looked at.
  if (changed.empty() && !first_) co_return;
  first_ = false;
  if (!changed.empty()) {
    world_.log.info(joined(changed) + " changed: reading secrets and certificates again");
    world_.reopen();
  }
  Result<LoadedSettings> settings = co_await read();
  if (!settings.ok()) {
    if (!changed.empty()) refuse("what was changed cannot be used, and what was read before goes on:", settings.error().message);
  } else if (settings->text_sha256 == text_sha256_) {
    co_await take(std::move(settings).value());
  } else if (!changed.empty()) {
    world_.log.warn("the configuration was edited, too: nothing is taken over before SIGHUP (systemctl reload auditferry)");
  }
}

Task<void> Reloader::take(LoadedSettings settings) {
  std::string text_sha256 = settings.text_sha256;
  std::vector<std::string> files = settings.files;
  const Result<std::string> taken = co_await world_.take_over(std::move(settings));
  if (!taken.ok()) {
    refuse("the new configuration is not taken over:", taken.error().message);
    co_return;
  }
  if (!taken->empty()) world_.log.info(*taken);
  text_sha256_ = std::move(text_sha256);
  if (files == files_) co_return;
  files_ = std::move(files);
  auto begin = [this] { watch_.watch(files_); };
  co_await run_blocking(world_.thread, begin);
}

void Reloader::refuse(const std::string& first_line, const std::string& errors) {
  world_.log.error(first_line);
  for (std::size_t at = 0; at < errors.size();) {
    const std::size_t end = std::min(errors.find('\n', at), errors.size());
    if (end > at) world_.log.error(errors.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace auditferry
