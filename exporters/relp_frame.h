#pragma once
// Frames of RELP, the Reliable Event Logging Protocol, version 0 and 1 (librelp, doc/relp.html):
//   TXNR SP COMMAND SP DATALEN [SP DATA] LF
// TXNR and DATALEN have at most nine digits, COMMAND at most 32 letters; TXNR 0 is a hint without answer.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace auditferry {

struct RelpFrame {
  std::uint32_t number = 0;
  std::string command;
  std::string data;
};

// The data of a frame "rsp": a status of three digits, words, and perhaps lines of data.
struct RelpAnswer {
  int status = 0;  // 200 is well, everything else an error
  std::string words;
  std::string data;
};

constexpr std::uint32_t largest_relp_number = 999'999'999;  // the one after it is 1

void append_relp_frame(std::uint32_t number, std::string_view command, std::string_view data,
                       std::string& out);

// Takes apart what comes. After an error it is of no more use: the connection must be closed.
class RelpParser {
 public:
  // Appends the frames that are complete now. ErrorKind::protocol; data of more than 128 KiB (the
  // protocol's own limit) is one.
  Status feed(std::string_view bytes, std::vector<RelpFrame>& frames);

 private:
  enum class State { number, command, length, data, trailer };
  Status take(char c);
  State state_ = State::number;
  std::string field_;
  RelpFrame frame_;
  std::size_t length_ = 0;
  bool complete_ = false;
};

// Nothing when there is no status.
std::optional<RelpAnswer> parse_relp_answer(std::string_view data);

}  // namespace auditferry
