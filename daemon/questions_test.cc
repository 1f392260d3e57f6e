#include "daemon/questions.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "tests/support/terminal.h"

namespace auditferry {
namespace {

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
