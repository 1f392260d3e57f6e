#pragma once
// The record's id in all the world: what a sink that can tell repetitions tells them by.

#include <charconv>
#include <string>
#include <string_view>

#include "core/record.h"

namespace auditferry {

// Calls `put` with the parts of the id, to be written one after the other: vendor/tenant/stream/ID, "@2"
// behind it for a second revision and so on. A gap that belongs to no stream has its ID alone.
template <class Put>
void put_record_id(const Record& record, Put put) {
  if (!record.vendor.empty() || !record.stream.empty() || !record.gap) {
    for (const std::string_view part : {record.vendor, record.tenant, record.stream}) {
      put(part);
      put(std::string_view("/"));
    }
  }
  put(record.id);
  if (record.revision < 2) return;
  char text[12] = "@";
  const char* const end = std::to_chars(text + 1, text + sizeof text, record.revision).ptr;
  put(std::string_view(text, static_cast<std::size_t>(end - text)));
}

inline std::string record_id(const Record& record) {
  std::string id;
  id.reserve(record.vendor.size() + record.tenant.size() + record.stream.size() + record.id.size() + 16);
  put_record_id(record, [&id](std::string_view part) { id += part; });
  return id;
}

}  // namespace auditferry
