#include "exporters/stdout_exporter.h"

#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "core/run_blocking.h"

namespace auditferry {
namespace {

// A job of the blocking executor waits this long for a reader, so that an orderly end is not held up.
constexpr int patience_ms = 500;
// Without any progress for so long the operator is told.
constexpr Duration stalled_after = std::chrono::seconds(30);
// What a pipe that polls writable takes without blocking (POSIX: PIPE_BUF).
constexpr std::size_t pipe_chunk = 4096;

// A reader that is gone shows as EPIPE, whatever the process does with the signal.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&only_);
    sigaddset(&only_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &only_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec at_once{};
    if (!sigismember(&before_, SIGPIPE)) {
      while (sigtimedwait(&only_, nullptr, &at_once) > 0) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t only_{};
  sigset_t before_{};
};

bool may_block(int descriptor) {
  struct stat about {};
  return fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode);
}

Error write_error(int code) {
  if (code == EPIPE || code == EBADF) {
    return {ErrorKind::permission,
            "nobody reads standard output any more; restart auditferry with a reader that stays, or use a "
            "file exporter"};
  }
  if (code == ENOSPC || code == EDQUOT) {
    return {ErrorKind::no_space, "the disk behind standard output is full; free space there"};
  }
  return {ErrorKind::io, std::string("standard output cannot be written: ") + std::strerror(code) +
                             "; see what it leads to, and the kernel's log if that is a disk; delivery goes on by itself"};
}

}  // namespace

StdoutExporter::Progress StdoutExporter::write_some() {
  const WithoutSigpipe guard;
  const bool careful = may_block(descriptor_);
  while (sent_ < pending_.size()) {
    if (careful) {
      pollfd wanted{descriptor_, POLLOUT, 0};
      const int ready = poll(&wanted, 1, patience_ms);
      if (ready == 0) return Progress::stalled;
      if (ready < 0 && errno != EINTR) {
        failure_ = write_error(errno);
        return Progress::failed;
      }
      if (ready < 0) continue;
    }
    const std::size_t left = pending_.size() - sent_;
    const ssize_t written =
        write_call_(descriptor_, pending_.data() + sent_, careful ? std::min(left, pipe_chunk) : left);
    if (written >= 0) {
      sent_ += static_cast<std::size_t>(written);
    } else if (errno != EINTR && errno != EAGAIN) {
      failure_ = write_error(errno);
      return Progress::failed;
    }
  }
  return Progress::done;
}

Task<Status> StdoutExporter::open(const ExporterState&) {
  co_return Status();
}

Task<WriteOutcome> StdoutExporter::write(const std::vector<OutgoingRecord>& records, WriteProgress&) {
  WriteOutcome outcome;
  if (records.empty()) co_return outcome;
  const std::pair batch(records.front().record->seq, records.back().record->seq);
  if (pending_.empty() || batch != batch_) {
    // The rest of an earlier batch goes first: half a line in the stream would spoil two.
    pending_.erase(0, sent_);
    sent_ = 0;
    for (const OutgoingRecord& record : records) {
      pending_ += record.bytes;
      pending_ += '\n';
    }
    batch_ = batch;
  }
  SteadyTime last_progress = world_.clock.steady_now();
  for (;;) {
    const std::size_t before = sent_;
    auto job = [this] { return write_some(); };
    const Progress progress = co_await run_blocking(world_.blocking, job);
    const SteadyTime now = world_.clock.steady_now();
    if (sent_ != before) last_progress = now;
    if (progress == Progress::done) break;
    if (progress == Progress::failed) {
      outcome.verdict = failure_.kind == ErrorKind::permission ? Verdict::pause : Verdict::retry;
      outcome.reason = failure_.message;
      co_return outcome;
    }
    if (now - last_progress >= stalled_after) {
      outcome.verdict = Verdict::retry;
      outcome.reason = "the reader of standard output has taken nothing for 30s; see what holds it up";
      outcome.retry_after = std::chrono::seconds(1);
      co_return outcome;
    }
  }
  pending_.clear();
  sent_ = 0;
  co_return outcome;
}

Task<Status> StdoutExporter::greet() {
  pollfd wanted{descriptor_, POLLOUT, 0};
  const int ready = poll(&wanted, 1, 0);
  if (ready < 0 || (wanted.revents & (POLLERR | POLLNVAL)) != 0) co_return write_error(EPIPE);
  co_return Status();
}

Task<void> StdoutExporter::reopen() {
  co_return;
}

Task<WriteOutcome> StdoutExporter::tend() {
  co_return WriteOutcome{};
}

Task<void> StdoutExporter::close() {
  co_return;
}

}  // namespace auditferry
