#pragma once
// A journal full of records, and one exporter of a configuration that gets all of them through the real Deliverer.

#include <cstdint>
#include <string>

namespace auditferry {

// Makes `folder`/journal.db. Throws std::runtime_error.
void fill_journal(const std::string& folder, std::uint64_t records, std::uint64_t record_bytes);

// Delivers everything in `folder`/journal.db to the only exporter of the configuration and ends it in order. Gives
// the seconds that this took; throws std::runtime_error when not everything was delivered (or not selected).
double deliver_all(const std::string& folder, const std::string& configuration);

}  // namespace auditferry
