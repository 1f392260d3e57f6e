#pragma once
// The explicit list of exporter types and formats. A new type adds one line to catalog.cc.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/secret_reader.h"
#include "config/settings.h"
#include "config/toml_reader.h"
#include "core/blocking_executor.h"
#include "core/byte_stream.h"
#include "core/clock.h"
#include "core/exporter.h"
#include "core/file_system.h"
#include "core/http_client.h"
#include "core/log.h"
#include "core/profile.h"
#include "core/random.h"
#include "core/task_group.h"

namespace auditferry {

// What an exporter may use; all of it outlives the exporter.
struct ExporterWorld {
  Executor loop;
  Clock& clock;
  Log& log;
  FileSystem& files;
  BlockingExecutor& blocking;  // a thread of this exporter's own
  // For the ledger (chain 0): kind and a JSON object, for example a file that was closed.
  std::function<void(std::string kind, std::string detail)> note;
  // For exporters of the network; the rest does without.
  std::function<std::unique_ptr<HttpClient>(const PeerSettings& peer)> make_http_client = {};
  Connector* connector = nullptr;
  DatagramMaker* datagrams = nullptr;
  Random* random = nullptr;
  const ProfileBook* profiles = nullptr;
  // For what must go on between calls, such as reading from a connection. Outlives the exporter; its owner
  // cancels and joins it after the exporter's end.
  TaskGroup* tasks = nullptr;
};

std::vector<std::string> exporter_types();
std::vector<std::string> format_names();

// Reads the keys that belong to the exporter's type into settings.own, and the type's default batch.
// False when settings.type is unknown.
bool read_exporter(ExporterSettings& settings, TomlTable& table, const SecretPlaces& places);

// Preconditions: settings came from a checked configuration.
std::unique_ptr<Exporter> make_exporter(const ExporterSettings& settings, ExporterWorld world);
// `profiles` outlives the format.
std::unique_ptr<Format> make_format(const ExporterSettings& settings, const ProfileBook& profiles);

}  // namespace auditferry
