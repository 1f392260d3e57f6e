#include "daemon/reloader.h"

#include "core/run_blocking.h"

namespace auditferry {
namespace {

constexpr Duration look_every = std::chrono::seconds(10);

// The errors of a configuration, a line each.
std::vector<TakeOverProblem> problems_of(const std::string& errors) {
  std::vector<TakeOverProblem> problems;
  for (std::size_t at = 0; at < errors.size();) {
    const std::size_t end = std::min(errors.find('\n', at), errors.size());
    if (end > at) problems.push_back({errors.substr(at, end - at)});
    at = end + 1;
  }
  return problems;
}

std::string joined(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += (text.empty() ? "" : ", ") + path;
  return text;
}

}  // namespace

Reloader::Reloader(ReloadWorld world, const LoadedSettings& running)
    : world_(std::move(world)), running_(running), watch_(world_.fingerprint), requested_bell_(world_.loop) {}

void Reloader::request() {
  requested_ = true;
  requested_bell_.ring();
}

Task<void> Reloader::run() {
  auto begin = [this] { watch_.watch(running_.files); };
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
  co_await ring_or_time(requested_bell_, world_.clock, look_every);
}

// The files are looked at before they are read: what changes meanwhile is noticed the next time.
Task<Result<LoadedSettings>> Reloader::read() {
  auto look_and_read = [this] {
    watch_.changed();
    return world_.load();
  };
  co_return co_await run_blocking(world_.thread, look_and_read);
}

Task<Result<LoadedSettings>> Reloader::read_secrets() {
  auto look_and_read = [this] {
    watch_.changed();
    return world_.load_secrets(running_);
  };
  co_return co_await run_blocking(world_.thread, look_and_read);
}

Task<void> Reloader::reload() {
  world_.tell_manager(true);
  world_.log.info("SIGHUP: reopening files and connections, reading secrets, certificates and the configuration again");
  world_.reopen();
  Result<LoadedSettings> settings = co_await read();
  bool taken = false;
  std::string told;
  if (settings.ok()) {
    taken = co_await take(std::move(settings).value(), "the new configuration is not taken over:");
  } else {
    told = settings.error().message;
    refuse("the new configuration is refused, and the one in use goes on:", problems_of(told));
  }
  // With the configuration its secrets are taken over; without it those of the one in use.
  if (!taken) co_await take_secrets(std::move(told));
  world_.tell_manager(false);
}

Task<void> Reloader::look_at_files() {
  auto look = [this] { return watch_.changed(); };
  const std::vector<std::string> changed = co_await run_blocking(world_.thread, look);
  // The first time, for what was changed after the program had read it and before it was looked at.
  if (changed.empty() && !first_) co_return;
  const bool quietly = changed.empty();
  first_ = false;
  if (quietly) {
    Result<LoadedSettings> secrets = co_await read_secrets();
    if (secrets.ok()) co_await take(std::move(secrets).value(), "what was changed is not taken over:");
    co_return;
  }
  world_.log.info(joined(changed) + " changed: reading secrets and certificates again");
  world_.reopen();
  co_await take_secrets("");
  const Result<LoadedSettings> edited = co_await read();
  if (edited.ok() && edited->text_sha256 != running_.text_sha256) {
    world_.log.warn("the configuration was edited, too: that is taken over by SIGHUP only (systemctl reload auditferry)");
  }
}

// Of the configuration in use, whatever its files hold by now. What was told already is not told again.
Task<void> Reloader::take_secrets(std::string told) {
  Result<LoadedSettings> secrets = co_await read_secrets();
  if (secrets.ok()) {
    co_await take(std::move(secrets).value(), "secrets that were changed are not taken over:");
  } else if (secrets.error().message != told) {
    refuse("what was changed cannot be used, and what was read before goes on:", problems_of(secrets.error().message));
  }
}

// False: nothing was done.
Task<bool> Reloader::take(LoadedSettings settings, std::string refusal) {
  LoadedSettings wanted = settings;
  const TakenOver taken = co_await world_.take_over(std::move(settings));
  if (!taken.problems.empty()) {
    refuse(taken.in_use ? "not everything of the configuration could be taken over:" : refusal, taken.problems);
  } else if (!taken.words.empty()) {
    world_.log.info(taken.words);
  }
  if (!taken.in_use) co_return false;
  const bool others = wanted.files != running_.files;
  running_ = std::move(wanted);
  if (!others) co_return true;
  auto begin = [this] { watch_.watch(running_.files); };
  co_await run_blocking(world_.thread, begin);
  co_return true;
}

void Reloader::refuse(const std::string& first_line, const std::vector<TakeOverProblem>& problems) {
  const LogField config{"config", running_.file};
  world_.log.error(first_line, {config});
  for (const TakeOverProblem& problem : problems) {
    std::vector<LogField> fields = problem.whose;
    fields.push_back(config);
    world_.log.error(problem.words, fields);
  }
}

}  // namespace auditferry
