#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace auditferry {

// A program under test. Its standard output and error go to one file that can be read at any time, or to one each.
// Killed (SIGKILL) and awaited by the destructor if it still runs.
class ChildProcess {
 public:
  // Throws std::runtime_error when it cannot be started. `error_path` "": standard error goes where the output goes.
  ChildProcess(std::vector<std::string> command, std::map<std::string, std::string> environment, const std::string& output_path,
               const std::string& error_path = "");
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void signal(int number) const;
  // The exit status (128 + signal if one ended it); nothing if it still runs after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);
  bool runs();
  std::string output() const;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::optional<int> ended_;
  std::string output_path_;
};

}  // namespace auditferry
