#pragma once

#include <optional>
#include <string>

#include "core/result.h"

namespace auditferry {

// Asks a person at a terminal, or takes lines from a pipe. Blocks. Secrets are not shown while they are typed;
// the terminal is put back as it was, also when the person gives up with Ctrl-C.
class Questions {
 public:
  // Answers are read from `in`; prompts go to `out`, and only if `in` is a terminal.
  Questions(int in, int out) : in_(in), out_(out) {}

  bool on_terminal() const;
  // An empty answer takes `usual`. Errors: the input has ended, or the person gave up.
  Result<std::string> ask(const std::string& words, const std::string& usual);
  Result<std::string> ask_secret(const std::string& words);

 private:
  void say(const std::string& text) const;
  Result<std::string> read_line();

  int in_;
  int out_;
};

}  // namespace auditferry
