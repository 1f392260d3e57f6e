#include "storage/met_records.h"

#include <algorithm>
#include <cstring>

#include "encoding/hash.h"

namespace auditferry {
namespace {

constexpr std::size_t most_records = 1'000'000;

std::uint64_t beginning_of(std::string_view id_hash) {
  std::uint64_t beginning = 0;
  std::memcpy(&beginning, id_hash.data(), std::min(sizeof beginning, id_hash.size()));
  return beginning;
}

}  // namespace

void MetRecords::add(std::string_view id) {
  if (ids_.size() >= most_records) give_up();
  if (complete_) ids_.push_back(beginning_of(bytes_of(short_hash(id))));
}

void MetRecords::give_up() {
  complete_ = false;
  ids_ = {};
}

void MetRecords::sort() { std::sort(ids_.begin(), ids_.end()); }

bool MetRecords::has(std::string_view id_hash) const { return std::binary_search(ids_.begin(), ids_.end(), beginning_of(id_hash)); }

}  // namespace auditferry
