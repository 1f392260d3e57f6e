#include "daemon/questions.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <thread>

namespace auditferry {
namespace {

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

  // Everything that is shown, up to and with `words`.
  std::string shown_until(const std::string& words) {
    while (shown_.find(words) == std::string::npos) {
      pollfd waited{person_, POLLIN, 0};
      if (poll(&waited, 1, 60'000) != 1) break;
      char bytes[256];
      const ssize_t got = read(person_, bytes, sizeof bytes);
      if (got <= 0) break;
      shown_.append(bytes, static_cast<std::size_t>(got));
    }
    return shown_;
  }
  void type(const std::string& text) { EXPECT_EQ(write(person_, text.data(), text.size()), static_cast<ssize_t>(text.size())); }
  bool echoes() const {
    struct termios now = {};
    EXPECT_EQ(tcgetattr(program_, &now), 0);
    return (now.c_lflag & ECHO) != 0;
  }
  int program() const { return program_; }

 private:
  int person_;
  int program_ = -1;
  std::string shown_;
};

std::string text_of(const Result<std::string>& answer) { return answer.ok() ? *answer : answer.error().message; }

TEST(Questions, ASecretIsNotShownAndTheTerminalIsPutBack) {
  Terminal terminal;
  Questions questions(terminal.program(), terminal.program());
  ASSERT_TRUE(questions.on_terminal());
  Result<std::string> said = Error{};
  std::thread program([&] { said = questions.ask_secret("token_key"); });
  terminal.shown_until("(is not shown): ");
  EXPECT_FALSE(terminal.echoes());
  terminal.type("s3cr3t\n");
  program.join();
  ASSERT_TRUE(said.ok()) << said.error().message;
  EXPECT_EQ(*said, "s3cr3t");
  EXPECT_TRUE(terminal.echoes());
  terminal.type("visible");
  EXPECT_EQ(terminal.shown_until("visible").find("s3cr3t"), std::string::npos);
}

TEST(Questions, GivingUpPutsTheTerminalBack) {
  // What a signal does once nothing is asked any more is not the matter here.
  const auto before = signal(SIGINT, SIG_IGN);
  Terminal terminal;
  Questions questions(terminal.program(), terminal.program());
  Result<std::string> said = std::string();
  std::thread program([&] { said = questions.ask_secret("token_key"); });
  terminal.shown_until("(is not shown): ");
  // Ctrl-C reaches the thread that reads; it may just be about to: until it has given up.
  std::thread signals([&] {
    while (!terminal.echoes()) {
      pthread_kill(program.native_handle(), SIGINT);
      std::this_thread::yield();
    }
  });
  signals.join();
  program.join();
  signal(SIGINT, before);
  EXPECT_FALSE(said.ok());
  EXPECT_TRUE(terminal.echoes());
}

TEST(Questions, AnEmptyAnswerIsWhatIsUsual) {
  Terminal terminal;
  Questions questions(terminal.program(), terminal.program());
  terminal.type("\n");
  EXPECT_EQ(text_of(questions.ask("Which logs", "audit,device")), "audit,device");
  EXPECT_NE(terminal.shown_until("[audit,device]: ").find("Which logs"), std::string::npos);
  terminal.type("audit\n");
  EXPECT_EQ(text_of(questions.ask("Which logs", "audit,device")), "audit");
}

TEST(Questions, LinesOfAPipeAreTakenWithoutAPrompt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string text = "one\r\ntwo";
  ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(ends[1]);
  Questions questions(ends[0], -1);
  EXPECT_FALSE(questions.on_terminal());
  EXPECT_EQ(text_of(questions.ask_secret("a")), "one");
  EXPECT_EQ(text_of(questions.ask_secret("b")), "two");
  EXPECT_FALSE(questions.ask_secret("c").ok());
  close(ends[0]);
}

}  // namespace
}  // namespace auditferry
