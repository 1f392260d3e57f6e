#include "exporters/relp_frame.h"

#include <algorithm>
#include <charconv>

#include "encoding/number_text.h"

namespace auditferry {
namespace {

constexpr std::size_t largest_data = 128u << 10;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::uint32_t number_of(const std::string& digits) {
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

Error no_frame(const char* what) {
  return {ErrorKind::protocol, std::string("what answers is no RELP (") + what +
                                   "): check that this port is the receiver's RELP input"};
}

}  // namespace

void append_relp_frame(std::uint32_t number, std::string_view command, std::string_view data,
                       std::string& out) {
  append_number(out, number);
  out += ' ';
  out += command;
  out += ' ';
  append_number(out, data.size());
  if (!data.empty()) {
    out += ' ';
    out += data;
  }
  out += '\n';
}

Status RelpParser::take(char c) {
  switch (state_) {
    case State::number:
      if (is_digit(c) && field_.size() < 9) {
        field_ += c;
        return {};
      }
      if (c != ' ' || field_.empty()) return no_frame("a transaction number was expected");
      frame_ = RelpFrame{number_of(field_), "", ""};
      field_.clear();
      state_ = State::command;
      return {};
    case State::command:
      if (is_letter(c) && frame_.command.size() < 32) {
        frame_.command += c;
        return {};
      }
      if (c != ' ' || frame_.command.empty()) return no_frame("a command was expected");
      state_ = State::length;
      return {};
    case State::length:
      if (is_digit(c) && field_.size() < 9) {
        field_ += c;
        return {};
      }
      if (field_.empty()) return no_frame("a length was expected");
      length_ = number_of(field_);
      field_.clear();
      if (length_ > largest_data) return no_frame("a frame of more than 128KiB");
      if (c == ' ') {
        state_ = length_ > 0 ? State::data : State::trailer;
        return {};
      }
      if (length_ > 0) return no_frame("data were expected");
      state_ = State::trailer;
      return take(c);
    case State::data:
      frame_.data += c;
      if (frame_.data.size() == length_) state_ = State::trailer;
      return {};
    case State::trailer:
      if (c != '\n') return no_frame("the end of a frame was expected");
      state_ = State::number;
      complete_ = true;
      return {};
  }
  return {};
}

Status RelpParser::feed(std::string_view bytes, std::vector<RelpFrame>& frames) {
  for (const char c : bytes) {
    Status taken = take(c);
    if (!taken.ok()) return taken;
    if (!complete_) continue;
    complete_ = false;
    frames.push_back(std::move(frame_));
  }
  return {};
}

std::optional<RelpAnswer> parse_relp_answer(std::string_view data) {
  if (data.size() < 3 || !std::all_of(data.begin(), data.begin() + 3, is_digit)) return std::nullopt;
  if (data.size() > 3 && data[3] != ' ' && data[3] != '\n') return std::nullopt;
  RelpAnswer answer;
  answer.status = (data[0] - '0') * 100 + (data[1] - '0') * 10 + (data[2] - '0');
  data.remove_prefix(3);
  const std::size_t line_end = data.find('\n');
  answer.words = data.substr(0, line_end);
  if (answer.words.starts_with(' ')) answer.words.erase(0, 1);
  if (line_end != data.npos) answer.data = data.substr(line_end + 1);
  return answer;
}

}  // namespace auditferry
