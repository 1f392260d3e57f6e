#include "bench/delivery_run.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <stdexcept>

#include "core/task_group.h"
#include "daemon/deliverer.h"
#include "daemon/load_settings.h"
#include "daemon/logger.h"
#include "daemon/network.h"
#include "encoding/time_format.h"
#include "net/system_clock.h"
#include "net/thread_executor.h"
#include "storage/snapshot.h"
#include "tests/support/page_builder.h"

namespace auditferry {
namespace {

constexpr std::uint64_t page_records = 1000;

template <class Value>
Value value_of(Result<Value> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

std::string record_of(std::uint64_t number, std::uint64_t bytes) {
  std::string json = "{\"event\":" + std::to_string(number) +
                     ",\"user_id\":\"admin-" + std::to_string(number % 97) +
                     "@example.com\",\"api_call\":\"config_update\",\"creation_time\":1763893512,\"successful\":true,"
                     "\"raw_data\":\"{\\\"version\\\":\\\"staging\\\",\\\"ip\\\":\\\"192.0.2." +
                     std::to_string(number % 251) + "\\\",\\\"note\\\":\\\"";
  constexpr std::string_view words = "a user of the portal changed the configuration of an application; ";
  while (json.size() + 6 < bytes) json += words[(number * 7 + json.size()) % words.size()];
  return json + "\\\"}\"}";
}

// What lives as long as one delivery does.
struct Run {
  Run(const std::string& folder, const Settings& settings_in)
      : settings(settings_in), profiles(profile_book(settings_in)), journal(value_of(Journal::open(folder + "/journal.db"))) {}

  Task<void> main() {
    const ExporterSettings& exporter_settings = settings.exporters.at(0);
    ExporterRow row = value_of(journal->attach_exporter(exporter_settings.name, exporter_settings.type, "hold", false));
    RecordShape shape(exporter_settings, profiles, log);
    const std::unique_ptr<Exporter> exporter = make_exporter(exporter_settings, network.exporter_world(thread, [](std::string, std::string) {}));
    Deliverer deliverer({clock, log, storage, random, published}, exporter_settings, *exporter, shape, std::move(row));
    deliverer.drain();
    const auto begin = std::chrono::steady_clock::now();
    Task<void> running = deliverer.run();
    co_await std::move(running);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    complete = deliverer.caught_up(journal->last_seq());
    problem = deliverer.status().problem;
    co_await network.end();
  }

  const Settings& settings;
  ProfileBook profiles;
  boost::asio::io_context loop{1};
  SystemClock clock;
  StderrLog log{LogLevel::warn, false};
  Random random{1};
  std::unique_ptr<Journal> journal;
  ThreadExecutor storage_thread{1};
  ThreadExecutor thread{1};
  StorageQueue storage{*journal, storage_thread, clock, loop.get_executor()};
  Bell published{loop.get_executor()};
  Network network{loop.get_executor(), clock, log, random, profiles};
  double seconds = 0;
  bool complete = false;
  std::string problem;
};

}  // namespace

void fill_journal(const std::string& folder, std::uint64_t records, std::uint64_t record_bytes) {
  const std::unique_ptr<Journal> journal = value_of(Journal::open(folder + "/journal.db"));
  const WallTime begin = *parse_rfc3339("2025-11-23T10:00:00Z");
  const CollectionState collection = value_of(journal->attach({"apptego", "t1", "audit"}, "acme", "https://portal", "f", "", begin));
  for (std::uint64_t done = 0; done < records;) {
    PageBuilder builder;
    for (std::uint64_t i = 0; i < page_records && done < records; ++i, ++done)
      builder.add(std::to_string(done), begin + std::chrono::milliseconds(done), record_of(done, record_bytes));
    PageToStore page;
    page.stream_id = collection.stream_id;
    page.collection_id = collection.collection_id;
    page.source = "acme";
    page.page = &builder.page();
    page.walk_state = "{}";
    page.provenance.how = "poll";
    page.end = WalkEnd{};
    const StoredPage stored = value_of(journal->store_page(page, begin));
    value_of(journal->publish(stored.walk_id, page_records, begin));
  }
  const Status closed = journal->close();
  if (!closed) throw std::runtime_error(closed.error().message);
}

double deliver_all(const std::string& folder, const std::string& configuration) {
  const Settings settings = value_of(load_settings(configuration, true));
  Run run(folder, settings);
  std::exception_ptr failure;
  boost::asio::co_spawn(run.loop, run.main(), [&](std::exception_ptr exception) {
    failure = exception;
    run.loop.stop();
  });
  run.loop.run();
  if (failure) std::rethrow_exception(failure);
  if (!run.complete) throw std::runtime_error("not everything was delivered: " + run.problem);
  return run.seconds;
}

}  // namespace auditferry
