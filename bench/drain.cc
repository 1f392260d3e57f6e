// How fast the main job is: records from a portal (a second process) over HTTP into the journal and out to a
// file, against the ceiling measured in the same run: SQLite alone inserting the same rows into one table
// with the same durability. Then the memory of a daemon that has nothing to do. Prints a table; asserts nothing.
//   drain [--records 1000000] [--record-bytes 600] [--rounds 1]

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Usage {
  double wall_seconds = 0;
  double cpu_seconds = 0;
  double peak_mib = 0;
  int status = 0;
};

pid_t launch(std::vector<std::string> command, const std::string& output) {
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  if (posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) {
    std::fprintf(stderr, "drain: cannot start %s\n", command[0].c_str());
    std::exit(1);
  }
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

double cpu_of(const rusage& usage) {
  auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Usage run_to_end(std::vector<std::string> command, const std::string& output) {
  const auto begin = Clock::now();
  const pid_t pid = launch(std::move(command), output);
  int status = 0;
  rusage usage{};
  wait4(pid, &status, 0, &usage);
  return {seconds_since(begin), cpu_of(usage), static_cast<double>(usage.ru_maxrss) / 1024, status};
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The origin that the sandbox prints once it listens.
std::string wait_for_origin(const std::string& output) {
  for (int tries = 0; tries < 6000; ++tries) {
    const std::string text = read_file(output);
    const std::size_t at = text.find("listening ");
    const std::size_t end = text.find('\n', at);
    if (at != std::string::npos && end != std::string::npos) return text.substr(at + 10, end - at - 10);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::fprintf(stderr, "drain: the sandbox portal did not start: %s\n", read_file(output).c_str());
  std::exit(1);
}

void execute(sqlite3* database, const char* sql) {
  char* message = nullptr;
  if (sqlite3_exec(database, sql, nullptr, nullptr, &message) == SQLITE_OK) return;
  std::fprintf(stderr, "drain: %s: %s\n", sql, message);
  std::exit(1);
}

// The ceiling: one row per record in one table, 1,000 to a transaction, WAL, synchronous=FULL.
Usage insert_alone(const std::string& folder, std::uint64_t records, std::uint64_t record_bytes) {
  sqlite3* database = nullptr;
  if (sqlite3_open((folder + "/ceiling.db").c_str(), &database) != SQLITE_OK) std::exit(1);
  execute(database, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                    "CREATE TABLE record(id INTEGER PRIMARY KEY, stream INTEGER, event INTEGER, body BLOB, UNIQUE(stream, event))");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(database, "INSERT INTO record(stream, event, body) VALUES (1, ?, ?)", -1, &insert, nullptr);
  // As long as the portal's records, and each another one.
  std::string body = R"({"event":00000000,"time":1763892000,"api_call":"config_update","user_id":"user@example.com","note":")";
  const std::size_t number_at = body.find("0000");
  body.resize(std::max<std::size_t>(record_bytes, body.size() + 2) - 2, 'x');
  body += "\"}";
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  const auto begin = Clock::now();
  for (std::uint64_t done = 0; done < records;) {
    execute(database, "BEGIN IMMEDIATE");
    for (int i = 0; i < 1000 && done < records; ++i, ++done) {
      char number[9];
      std::snprintf(number, sizeof number, "%08llu", static_cast<unsigned long long>(done % 100'000'000));
      body.replace(number_at, 8, number);
      sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(done));
      sqlite3_bind_blob(insert, 2, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
      if (sqlite3_step(insert) != SQLITE_DONE) std::exit(1);
      sqlite3_reset(insert);
    }
    execute(database, "COMMIT");
  }
  Usage usage{seconds_since(begin), 0, 0, 0};
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  usage.cpu_seconds = cpu_of(after) - cpu_of(before);
  sqlite3_finalize(insert);
  sqlite3_close(database);
  std::filesystem::remove_all(folder + "/ceiling.db");
  return usage;
}

std::string write_config(const std::string& folder, const std::string& origin, const std::string& streams) {
  const std::string path = folder + "/auditferry.toml";
  std::ofstream file(path);
  file << "[daemon]\nstate_dir = \"" << folder << "/state\"\nlog_level = \"warn\"\n[admin]\nlisten = \"\"\n"
       << "[sources.bench]\nprofile = \"apptego\"\nbase_url = \"" << origin << "/frontend\"\ntenant = \"9f1c0a4e7b8d4a4db52e6a6d5c5c1f11\"\n"
       << "credentials.token_key = { env = \"DRAIN_KEY\" }\ncredentials.token_secret = { env = \"DRAIN_SECRET\" }\n"
       << "streams = [" << streams << "]\nrequests_per_minute = 60000\nstart = \"-25h\"\nslice = \"1h\"\ncatch_up = \"oldest_first\"\n"
       << "[sources.bench.stream.audit]\npage_size = 1000\n"
       << "[exporters.file]\ntype = \"file\"\npath = \"" << folder << "/records.jsonl\"\n";
  return path;
}

std::uint64_t count_lines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t lines = 0;
  std::vector<char> buffer(1u << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    for (std::streamsize i = 0; i < file.gcount(); ++i) lines += buffer[static_cast<std::size_t>(i)] == '\n';
  }
  return lines;
}

std::uint64_t resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::strtoull(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

// Two streams of a portal where next to nothing happens, looked at every second for a while: the most that was held.
double idle_mib(const std::string& folder) {
  const std::string output = folder + "/idle-sandbox.out";
  const pid_t sandbox = launch({SANDBOX_PROGRAM, "--listen", "127.0.0.1:0", "--rate", "0.1", "--history", "1m"}, output);
  const std::string config = write_config(folder, wait_for_origin(output), R"("audit", "device")");
  const pid_t daemon = launch({AUDITFERRY_PROGRAM, "run", "--config", config}, folder + "/idle-daemon.out");
  std::uint64_t most = 0;
  for (int second = 0; second < 30; ++second) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    most = std::max(most, resident_kib(daemon));
  }
  for (const pid_t pid : {daemon, sandbox}) {
    kill(pid, SIGTERM);
    waitpid(pid, nullptr, 0);
  }
  return static_cast<double>(most) / 1024;
}

void print_row(const char* name, std::uint64_t records, const Usage& usage) {
  std::printf("%-28s %12.0f %10.2f %14.2f %10.1f\n", name, static_cast<double>(records) / usage.wall_seconds, usage.wall_seconds,
              usage.cpu_seconds / (static_cast<double>(records) / 1e6), usage.peak_mib);
}

}  // namespace

int main(int argument_count, char** arguments) {
  CLI::App app("The main job against its ceiling.", "drain");
  std::uint64_t records = 1'000'000;
  std::uint64_t record_bytes = 600;
  int rounds = 1;
  app.add_option("--records", records)->capture_default_str();
  app.add_option("--record-bytes", record_bytes)->capture_default_str();
  app.add_option("--rounds", rounds)->capture_default_str();
  CLI11_PARSE(app, argument_count, arguments);
  setenv("DRAIN_KEY", "sandbox-key", 1);
  setenv("DRAIN_SECRET", "sandbox-secret", 1);
  std::string folder = (std::filesystem::temp_directory_path() / "drain-XXXXXX").string();
  if (!mkdtemp(folder.data())) return 1;
  const std::string output = folder + "/sandbox.out";
  const pid_t sandbox = launch({SANDBOX_PROGRAM, "--listen", "127.0.0.1:0", "--records", std::to_string(records), "--record-bytes",
                                std::to_string(record_bytes), "--page-limit", "1000", "--history", "24h"},
                               output);
  const std::string config = write_config(folder, wait_for_origin(output), R"("audit")");
  std::printf("%-28s %12s %10s %14s %10s\n", "", "records/s", "seconds", "CPU s/million", "peak MiB");
  int status = 0;
  for (int round = 0; round < rounds; ++round) {
    const Usage ceiling = insert_alone(folder, records, record_bytes);
    print_row("ceiling: SQLite alone", records, ceiling);
    const Usage daemon = run_to_end({AUDITFERRY_PROGRAM, "run", "--once", "--config", config}, folder + "/daemon.out");
    if (daemon.status != 0) {
      std::printf("the daemon failed: %s\n", read_file(folder + "/daemon.out").c_str());
      status = 1;
      break;
    }
    const std::uint64_t lines = count_lines(folder + "/records.jsonl");
    print_row("portal to journal to file", records, daemon);
    std::printf("ratio %.2f; %llu lines in the file of %llu records; journal %.0f MiB\n", ceiling.wall_seconds / daemon.wall_seconds,
                static_cast<unsigned long long>(lines), static_cast<unsigned long long>(records),
                static_cast<double>(std::filesystem::file_size(folder + "/state/journal.db")) / (1u << 20));
    if (lines != records) {
      std::printf("the daemon did not deliver everything: %s\n", read_file(folder + "/daemon.out").c_str());
      status = 1;
    }
    std::filesystem::remove_all(folder + "/state");
    std::filesystem::remove(folder + "/records.jsonl");
  }
  kill(sandbox, SIGTERM);
  waitpid(sandbox, nullptr, 0);
  if (status == 0) std::printf("idle with 2 streams for 30 s: at most %.1f MiB\n", idle_mib(folder));
  std::filesystem::remove_all(folder);
  return status;
}
