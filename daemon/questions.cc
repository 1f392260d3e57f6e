#include "daemon/questions.h"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace auditferry {
namespace {

constexpr std::size_t longest_line = 64 * 1024;

volatile std::sig_atomic_t given_up = 0;

void give_up(int) { given_up = 1; }

// While it lives the signals that end a program only interrupt reading, so that everything can be put back.
class CaughtSignals {
 public:
  CaughtSignals() {
    given_up = 0;
    struct sigaction action = {};
    action.sa_handler = give_up;
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
  }
  ~CaughtSignals() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
  }
  CaughtSignals(const CaughtSignals&) = delete;
  CaughtSignals& operator=(const CaughtSignals&) = delete;

 private:
  struct sigaction interrupt_ = {};
  struct sigaction terminate_ = {};
};

// What is typed is not shown while it lives; the line end is.
class WithoutEcho {
 public:
  explicit WithoutEcho(int terminal) : terminal_(terminal) {
    if (tcgetattr(terminal_, &before_) != 0) return;
    struct termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    changed_ = tcsetattr(terminal_, TCSAFLUSH, &quiet) == 0;
  }
  ~WithoutEcho() {
    if (changed_) tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  WithoutEcho(const WithoutEcho&) = delete;
  WithoutEcho& operator=(const WithoutEcho&) = delete;
  bool quiet() const { return changed_; }

 private:
  int terminal_;
  struct termios before_ = {};
  bool changed_ = false;
};

Error ended(const char* how) {
  return Error{ErrorKind::invalid, std::string(how) + ": nothing was written"};
}

}  // namespace

bool Questions::on_terminal() const { return isatty(in_) == 1; }

void Questions::say(const std::string& text) const {
  // A prompt that cannot be written is no reason to stop.
  [[maybe_unused]] const ssize_t written = write(out_, text.data(), text.size());
}

Result<std::string> Questions::read_line() {
  std::string line;
  for (;;) {
    char c = 0;
    const ssize_t got = read(in_, &c, 1);
    if (given_up != 0) return ended("given up");
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{ErrorKind::io, std::string("the input cannot be read: ") + std::strerror(errno)};
    if (got == 0 && line.empty()) return ended("the input ended before everything was answered");
    if (got == 0 || c == '\n') break;
    if (line.size() == longest_line) return Error{ErrorKind::invalid, "a line of more than 64 KiB is no answer"};
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<std::string> Questions::ask(const std::string& words, const std::string& usual) {
  const CaughtSignals signals;
  if (on_terminal()) say(words + (usual.empty() ? "" : " [" + usual + "]") + ": ");
  Result<std::string> line = read_line();
  if (line.ok() && line->empty()) return usual;
  return line;
}

Result<std::string> Questions::ask_secret(const std::string& words) {
  const CaughtSignals signals;
  if (!on_terminal()) return read_line();
  const WithoutEcho without(in_);
  if (!without.quiet()) return Error{ErrorKind::io, "this terminal shows what is typed: give the secret with --credential-file, or on standard input"};
  say(words + " (is not shown): ");
  return read_line();
}

}  // namespace auditferry
