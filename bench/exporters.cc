// How fast each exporter is, against a far end of this machine that discards: a filled journal, the real Deliverer,
// the exporter in a process of its own, the far end in another. Prints a table; asserts nothing.
//   exporters [--records 1000000] [--record-bytes 600] [--only NAME]
// Between: the exporter's own process (--deliver) and the far end's (--sink).

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/delivery_run.h"
#include "bench/discard_sink.h"

extern char** environ;

namespace {

struct Row {
  const char* name;
  const char* sink;   // "": none
  const char* table;  // of the configuration; @ADDRESS@ and @FOLDER@ are filled in
};

constexpr Row rows[] = {
    {"nothing selected", "", "type = \"file\"\npath = \"@FOLDER@/none\"\nselect.streams = [\"device\"]\n"},
    {"file", "", "type = \"file\"\npath = \"@FOLDER@/records.jsonl\"\n"},
    {"stdout to a pipe", "", "type = \"stdout\"\n"},
    {"syslog tcp", "tcp", "type = \"syslog\"\ntransport = \"tcp\"\naddress = \"@ADDRESS@\"\n"},
    {"syslog tls", "tls", "type = \"syslog\"\ntransport = \"tls\"\naddress = \"@ADDRESS@\"\ntls.ca_file = \"@FOLDER@/ca.pem\"\n"},
    {"syslog unix_stream", "unix_stream", "type = \"syslog\"\ntransport = \"unix_stream\"\npath = \"@ADDRESS@\"\n"},
    {"syslog udp", "udp", "type = \"syslog\"\ntransport = \"udp\"\naddress = \"@ADDRESS@\"\n"},
    {"syslog relp", "relp", "type = \"syslog\"\ntransport = \"relp\"\naddress = \"@ADDRESS@\"\n"},
    {"http ndjson", "http", "type = \"http\"\nurl = \"http://@ADDRESS@/\"\ncompression = \"none\"\nconcurrency = 4\n"},
    {"http ndjson, gzip", "http", "type = \"http\"\nurl = \"http://@ADDRESS@/\"\ncompression = \"gzip\"\nconcurrency = 4\n"},
    {"splunk_hec", "splunk",
     "type = \"splunk_hec\"\nurl = \"http://@ADDRESS@\"\ntoken = { env = \"BENCH_SECRET\" }\ncompression = \"none\"\nconcurrency = 4\n"},
    {"splunk_hec, ack", "splunk",
     "type = \"splunk_hec\"\nurl = \"http://@ADDRESS@\"\ntoken = { env = \"BENCH_SECRET\" }\ncompression = \"none\"\nack = true\n"},
    {"elasticsearch", "elasticsearch",
     "type = \"elasticsearch\"\nhosts = [\"http://@ADDRESS@\"]\nindex = \"audit-{tenant}\"\ncompression = \"none\"\nconcurrency = 4\n"},
    {"otlp protobuf", "otlp", "type = \"otlp\"\nurl = \"http://@ADDRESS@\"\ncompression = \"none\"\nconcurrency = 4\n"},
    {"otlp json", "otlp", "type = \"otlp\"\nurl = \"http://@ADDRESS@\"\nencoding = \"json\"\ncompression = \"none\"\nconcurrency = 4\n"},
};

void fail(const std::string& why) {
  std::fprintf(stderr, "exporters: %s\n", why.c_str());
  std::exit(1);
}

// A program with its standard input and output in our hands.
struct Program {
  pid_t pid = -1;
  int input = -1;
  int output = -1;
};

Program launch(std::vector<std::string> command) {
  std::array<int, 2> to{};
  std::array<int, 2> from{};
  if (pipe2(to.data(), O_CLOEXEC) != 0 || pipe2(from.data(), O_CLOEXEC) != 0) fail("no pipe");
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from[1], 1);
  Program program;
  if (posix_spawn(&program.pid, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) fail("cannot start " + command[0]);
  posix_spawn_file_actions_destroy(&actions);
  close(to[0]);
  close(from[1]);
  program.input = to[1];
  program.output = from[0];
  return program;
}

std::string read_line(int descriptor) {
  std::string line;
  for (char c = 0; read(descriptor, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

std::uint64_t read_to_end(int descriptor) {
  std::vector<char> buffer(1u << 20);
  std::uint64_t bytes = 0;
  for (ssize_t count = 0; (count = read(descriptor, buffer.data(), buffer.size())) > 0;) bytes += static_cast<std::uint64_t>(count);
  return bytes;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::string filled_in(std::string text, const std::string& address, const std::string& folder) {
  for (const auto& [what, with] : {std::pair<std::string, std::string>{"@ADDRESS@", address}, {"@FOLDER@", folder}}) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) text.replace(at, what.size(), with);
  }
  return text;
}

// The exporter's name in the journal, which is another for each row, so that each begins with the first record.
std::string plain_name(const Row& row) {
  std::string name = row.name;
  std::replace_if(name.begin(), name.end(), [](char c) { return (c < 'a' || c > 'z') && c != '_'; }, '_');
  return name;
}

std::string write_config(const Row& row, const std::string& address, const std::string& folder) {
  const std::string path = folder + "/bench.toml";
  std::ofstream file(path);
  file << "[daemon]\nstate_dir = \"" << folder << "\"\n[admin]\nlisten = \"\"\n"
       << "[sources.acme]\nprofile = \"apptego\"\nbase_url = \"http://127.0.0.1:1/frontend\"\ntenant = \"9f1c0a4e7b8d4a4db52e6a6d5c5c1f11\"\n"
       << "credentials.token_key = { env = \"BENCH_SECRET\" }\ncredentials.token_secret = { env = \"BENCH_SECRET\" }\nstreams = [\"audit\", \"device\"]\n"
       << "[exporters." << plain_name(row) << "]\n"
       << filled_in(row.table, address, folder);
  return path;
}

void run_row(const std::string& self, const Row& row, const std::string& folder, std::uint64_t records) {
  Program sink;
  std::string address;
  if (*row.sink != '\0') {
    sink = launch({self, "--sink", row.sink, "--folder", folder});
    address = read_line(sink.output);
    if (address.empty()) fail(std::string("the far end did not start: ") + row.sink);
  }
  const std::string config = write_config(row, address, folder);
  Program exporter = launch({self, "--deliver", config, "--folder", folder});
  close(exporter.input);
  std::uint64_t bytes = read_to_end(exporter.output);
  int status = 0;
  rusage usage{};
  wait4(exporter.pid, &status, 0, &usage);
  close(exporter.output);
  std::string lost;
  if (sink.pid > 0) {
    close(sink.input);
    const std::string taken = read_line(sink.output);
    waitpid(sink.pid, nullptr, 0);
    close(sink.output);
    bytes = std::strtoull(taken.c_str(), nullptr, 10);
    const std::uint64_t datagrams = std::strtoull(taken.c_str() + std::min(taken.size(), taken.find(' ') + 1), nullptr, 10);
    if (std::string(row.sink) == "udp") lost = " (" + std::to_string(100 - datagrams * 100 / records) + "% lost)";
  }
  if (std::filesystem::exists(folder + "/records.jsonl")) {
    bytes = std::filesystem::file_size(folder + "/records.jsonl");
    std::filesystem::remove(folder + "/records.jsonl");
  }
  double seconds = 0;
  std::ifstream(folder + "/seconds") >> seconds;
  std::filesystem::remove(folder + "/seconds");
  if (status != 0 || seconds == 0) fail(std::string(row.name) + " failed");
  std::printf("%-26s %12.0f %8.1f %10.2f %10.1f\n", (row.name + lost).c_str(), static_cast<double>(records) / seconds,
              static_cast<double>(bytes) / seconds / 1e6,
              (seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)) / (static_cast<double>(records) / 1e6),
              static_cast<double>(usage.ru_maxrss) / 1024);
  std::fflush(stdout);
}

int be_sink(const std::string& kind, const std::string& folder) {
  // Lives to the end of the process, like its threads.
  auditferry::DiscardSink* const sink = auditferry::make_discard_sink(kind, folder).release();
  std::printf("%s\n", sink->address().c_str());
  std::fflush(stdout);
  for (char c = 0; read(0, &c, 1) > 0;) continue;
  std::printf("%llu %llu\n", static_cast<unsigned long long>(sink->bytes()), static_cast<unsigned long long>(sink->datagrams()));
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int argument_count, char** arguments) {
  CLI::App app("Each exporter against a far end that discards.", "exporters");
  std::uint64_t records = 1'000'000;
  std::uint64_t record_bytes = 600;
  std::string only, sink, deliver, folder;
  app.add_option("--records", records)->capture_default_str();
  app.add_option("--record-bytes", record_bytes)->capture_default_str();
  app.add_option("--only", only, "rows whose name begins so");
  app.add_option("--sink", sink)->group("");
  app.add_option("--deliver", deliver)->group("");
  app.add_option("--folder", folder)->group("");
  CLI11_PARSE(app, argument_count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  setenv("BENCH_SECRET", "bench", 1);
  try {
    if (!sink.empty()) return be_sink(sink, folder);
    if (!deliver.empty()) {
      const double seconds = auditferry::deliver_all(folder, deliver);
      std::ofstream(folder + "/seconds") << seconds;
      return 0;
    }
    folder = (std::filesystem::temp_directory_path() / "exporters-XXXXXX").string();
    if (!mkdtemp(folder.data())) fail("no temporary folder");
    auditferry::fill_journal(folder, records, record_bytes);
    std::printf("%-26s %12s %8s %10s %10s\n", "", "records/s", "MB/s", "CPU s/M", "peak MiB");
    for (const Row& row : rows) {
      if (std::string(row.name).starts_with(only)) run_row(std::filesystem::canonical("/proc/self/exe"), row, folder, records);
    }
    std::filesystem::remove_all(folder);
  } catch (const std::exception& error) {
    fail(error.what());
  }
  return 0;
}
