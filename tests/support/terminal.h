#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace auditferry {

// A terminal with somebody at the other end of it.
class Terminal {
 public:
  Terminal() : person_(posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(grantpt(person_), 0);
    EXPECT_EQ(unlockpt(person_), 0);
    program_ = open(ptsname(person_), O_RDWR | O_NOCTTY);
    EXPECT_GE(program_, 0);
  }
  ~Terminal() {
    close(program_);
    close(person_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Everything that is shown, up to and with `words`; less when nothing more comes for a minute.
  std::string shown_until(const std::string& words) {
    while (shown_.find(words, looked_at_) == std::string::npos) {
      pollfd waited{person_, POLLIN, 0};
      if (poll(&waited, 1, 60'000) != 1) break;
      char bytes[256];
      const ssize_t got = read(person_, bytes, sizeof bytes);
      if (got <= 0) break;
      shown_.append(bytes, static_cast<std::size_t>(got));
    }
    return shown_;
  }
  // From here on words have to be shown anew.
  void forget_shown() { looked_at_ = shown_.size(); }
  void type(const std::string& text) { EXPECT_EQ(write(person_, text.data(), text.size()), static_cast<ssize_t>(text.size())); }
  bool echoes() const {
    struct termios now = {};
    EXPECT_EQ(tcgetattr(program_, &now), 0);
    return (now.c_lflag & ECHO) != 0;
  }
  int program() const { return program_; }
  // The path by which another program opens it.
  std::string path() const { return ptsname(person_); }

 private:
  int person_;
  int program_ = -1;
  std::string shown_;
  std::size_t looked_at_ = 0;
};

// A command line for ChildProcess: `command` in `folder`, with the terminal as its input and outputs.
inline std::vector<std::string> on_terminal(const Terminal& terminal, const std::string& folder, const std::vector<std::string>& command) {
  std::vector<std::string> line{"/bin/sh", "-c", "cd \"$1\" && exec <\"$2\" >\"$2\" 2>&1 && shift 2 && exec \"$@\"", "sh", folder, terminal.path()};
  line.insert(line.end(), command.begin(), command.end());
  return line;
}

}  // namespace auditferry
