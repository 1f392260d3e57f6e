#include "net/datagram_maker.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/http_fixture.h"
#include "tests/support/raw_socket.h"
#include "tests/support/temporary_folder.h"

namespace auditferry {
namespace {

Task<void> run_open(DatagramMaker& maker, PeerAddress to,
                    std::optional<Result<std::unique_ptr<Datagram>>>& made) {
  PeerSettings settings;
  made = co_await maker.open(std::move(to), std::move(settings));
}

Task<void> run_send(Datagram& datagram, std::string bytes, Status& sent) {
  sent = co_await datagram.send(bytes);
}

class DatagramMakerTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Datagram>> open(PeerAddress to) {
    std::optional<Result<std::unique_ptr<Datagram>>> made;
    loop.run(run_open(maker, std::move(to), made));
    return std::move(*made);
  }
  Status send(Datagram& datagram, std::string bytes) {
    Status sent;
    loop.run(run_send(datagram, std::move(bytes), sent));
    return sent;
  }
  static PeerAddress udp(std::uint16_t port) {
    PeerAddress to;
    to.host = "collector.example";
    to.port = port;
    return to;
  }
  static PeerAddress unix_path(std::string path) {
    PeerAddress to;
    to.unix_path = std::move(path);
    return to;
  }
  RealLoop loop;
  FakeResolver resolver{loop.clock()};
  NetDatagramMaker maker{loop.executor(), resolver};
};

TEST_F(DatagramMakerTest, SendsOverUdp) {
  const RawSocket receiver = RawSocket::on_loopback(SOCK_DGRAM);
  const auto datagram = open(udp(receiver.port()));
  ASSERT_TRUE(datagram.ok()) << datagram.error().message;
  ASSERT_TRUE(send(**datagram, "one").ok());
  ASSERT_TRUE(send(**datagram, std::string(8192, 'x')).ok());
  EXPECT_EQ(receiver.receive(), "one");
  EXPECT_EQ(receiver.receive().size(), 8192u);
}

TEST_F(DatagramMakerTest, SaysThatADatagramIsTooLarge) {
  const RawSocket receiver = RawSocket::on_loopback(SOCK_DGRAM);
  const auto datagram = open(udp(receiver.port()));
  ASSERT_TRUE(datagram.ok());
  const Status sent = send(**datagram, std::string(70000, 'x'));
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().kind, ErrorKind::too_large);
}

TEST_F(DatagramMakerTest, SaysThatNobodyListens) {
  RawSocket receiver = RawSocket::on_loopback(SOCK_DGRAM);
  const auto datagram = open(udp(receiver.port()));
  ASSERT_TRUE(datagram.ok());
  receiver.close();
  Status sent;
  for (int i = 0; i < 3 && sent.ok(); ++i) sent = send(**datagram, "one");
  ASSERT_FALSE(sent.ok()) << "the system's answer to an earlier datagram was not told";
  EXPECT_EQ(sent.error().kind, ErrorKind::connect);
  EXPECT_NE(sent.error().message.find("nobody listens at UDP collector.example:"), std::string::npos);
}

TEST_F(DatagramMakerTest, SendsToAUnixSocket) {
  const TemporaryFolder folder;
  RawSocket receiver = RawSocket::on_path(folder / "log", SOCK_DGRAM);
  const auto datagram = open(unix_path(folder / "log"));
  ASSERT_TRUE(datagram.ok()) << datagram.error().message;
  ASSERT_TRUE(send(**datagram, "one").ok());
  EXPECT_EQ(receiver.receive(), "one");
  receiver.close();
  const Status sent = send(**datagram, "two");
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().kind, ErrorKind::connect);
}

TEST_F(DatagramMakerTest, UnixSocketsThatAreNotThereAreNamed) {
  const TemporaryFolder folder;
  const auto missing = open(unix_path(folder / "log"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  EXPECT_NE(missing.error().message.find(folder / "log"), std::string::npos);
  const RawSocket stream = RawSocket::on_path(folder / "stream", SOCK_STREAM);
  const auto other_kind = open(unix_path(folder / "stream"));
  ASSERT_FALSE(other_kind.ok());
  EXPECT_NE(other_kind.error().message.find("unix_stream"), std::string::npos) << other_kind.error().message;
  EXPECT_FALSE(open(unix_path("/" + std::string(200, 'x'))).ok());
}

}  // namespace
}  // namespace auditferry
