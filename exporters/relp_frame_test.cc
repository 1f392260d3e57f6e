#include "exporters/relp_frame.h"

#include <gtest/gtest.h>

#include <random>

namespace auditferry {
namespace {

std::vector<RelpFrame> parse(std::string_view bytes, bool& fine) {
  RelpParser parser;
  std::vector<RelpFrame> frames;
  fine = parser.feed(bytes, frames).ok();
  return frames;
}

TEST(RelpFrameTest, Golden) {
  std::string out;
  append_relp_frame(1, "open", "relp_version=0\ncommands=syslog", out);
  append_relp_frame(999'999'999, "close", "", out);
  EXPECT_EQ(out, "1 open 30 relp_version=0\ncommands=syslog\n999999999 close 0\n");
}

TEST(RelpFrameTest, ReadsFramesInPiecesOfAnySize) {
  const std::string bytes = "1 rsp 6 200 OK\n0 serverclose 0\n0 serverclose 0 \n12 rsp 9 200 OK\nx\n\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    RelpParser parser;
    std::vector<RelpFrame> frames;
    for (std::size_t at = 0; at < bytes.size(); at += step)
      ASSERT_TRUE(parser.feed(bytes.substr(at, step), frames).ok());
    ASSERT_EQ(frames.size(), 4u) << step;
    EXPECT_EQ(frames[0].number, 1u);
    EXPECT_EQ(frames[0].command, "rsp");
    EXPECT_EQ(frames[0].data, "200 OK");
    EXPECT_EQ(frames[1].command, "serverclose");
    EXPECT_EQ(frames[1].data, "");
    EXPECT_EQ(frames[3].number, 12u);
    EXPECT_EQ(frames[3].data, "200 OK\nx\n");
  }
}

TEST(RelpFrameTest, RefusesEverythingElse) {
  for (const char* bytes :
       {"HTTP/1.1 400", " rsp 0\n", "1234567890 rsp 0\n", "1 r2p 0\n", "1  0\n", "1 rsp x\n", "1 rsp 3 abcd",
        "1 rsp 3\n", "1 rsp 999999999 x", "1 rsp 1234567890 ", "1 rsp \n", "-1 rsp 0\n",
        "1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0\n", "1 rsp 0  "}) {
    bool fine = true;
    parse(bytes, fine);
    EXPECT_FALSE(fine) << bytes;
  }
}

TEST(RelpFrameTest, ReadsAnswers) {
  const auto answer = parse_relp_answer("200 OK\nrelp_version=0\ncommands=syslog");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->words, "OK");
  EXPECT_EQ(answer->data, "relp_version=0\ncommands=syslog");
  EXPECT_EQ(parse_relp_answer("500")->status, 500);
  EXPECT_EQ(parse_relp_answer("500 no")->words, "no");
  for (const char* text : {"", "20", "2000 OK", "abc", "200OK"})
    EXPECT_FALSE(parse_relp_answer(text)) << text;
}

// What was written is read back, and any byte sequence is survived with bounded memory.
TEST(RelpFrameTest, SurvivesEveryByteSequence) {
  std::size_t broken = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    std::mt19937_64 random(seed);
    std::string bytes;
    std::vector<std::string> wanted;
    for (int i = 0; i < 5; ++i) {
      std::string data(random() % 50, '\0');
      for (char& c : data) c = static_cast<char>(random());
      append_relp_frame(static_cast<std::uint32_t>(random() % 1'000'000'000), "rsp", data, bytes);
      wanted.push_back(data);
    }
    bool fine = false;
    const std::vector<RelpFrame> frames = parse(bytes, fine);
    ASSERT_TRUE(fine) << "seed " << seed;
    ASSERT_EQ(frames.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(frames[i].data, wanted[i]);
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    for (const RelpFrame& frame : parse(bytes, fine)) EXPECT_LE(frame.data.size(), 128u << 10);
    broken += !fine;
    parse_relp_answer(bytes);
  }
  EXPECT_GT(broken, 1000u);
}

}  // namespace
}  // namespace auditferry
