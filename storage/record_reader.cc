#include "storage/record_reader.h"

#include <algorithm>


namespace auditferry {
namespace {

constexpr std::size_t cached_payloads = 4;

}  // namespace

RecordReader::RecordReader(Database& database)
    : publications_(database,
                    "SELECT first_seq, records, payload_id, first_index FROM publication WHERE first_seq >= coalesce((SELECT max(first_seq) "
                    "FROM publication WHERE first_seq <= ?1), 0) AND first_seq <= ?2 ORDER BY first_seq"),
      payload_(database, "SELECT stream_id, hash, body FROM payload WHERE payload_id = ?"),
      stream_(database, "SELECT vendor, tenant, name FROM stream WHERE stream_id = ?") {}

RecordReader::Identity RecordReader::identity(std::int64_t stream_id) {
  if (const auto known = identities_.find(stream_id); known != identities_.end()) return known->second;
  Identity identity;
  if (stream_.query(stream_id).step()) {
    const std::string_view vendor = stream_.text(0);
    const std::string_view tenant = stream_.text(1);
    const std::string_view stream = stream_.text(2);
    identity.text = std::make_shared<const std::string>(std::string(vendor) + std::string(tenant) + std::string(stream));
    const std::string_view all = *identity.text;
    identity.vendor = all.substr(0, vendor.size());
    identity.tenant = all.substr(vendor.size(), tenant.size());
    identity.stream = all.substr(vendor.size() + tenant.size());
  }
  stream_.reset();
  identities_[stream_id] = identity;
  return identity;
}

std::shared_ptr<const RecordReader::Cached> RecordReader::payload(std::int64_t payload_id) {
  for (auto entry = cache_.begin(); entry != cache_.end(); ++entry) {
    if ((*entry)->payload_id != payload_id) continue;
    cache_.splice(cache_.begin(), cache_, entry);
    return cache_.front();
  }
  auto loaded = std::make_shared<Cached>();
  loaded->payload_id = payload_id;
  loaded->damaged = true;
  if (payload_.query(payload_id).step()) {
    const std::string_view body = payload_.blob(2);
    if (is_intact(body, payload_.blob(1))) {
      Result<DecodedPayload> decoded = decode_payload(body);
      if (decoded) {
        loaded->payload = std::move(decoded).value();
        loaded->damaged = false;
      }
    }
    loaded->identity = identity(payload_.integer(0));
  }
  payload_.reset();
  cache_.push_front(loaded);
  if (cache_.size() > cached_payloads) cache_.pop_back();
  return loaded;
}

RecordBatch RecordReader::read(std::uint64_t after, std::uint64_t last_seq, std::uint64_t max_records, std::uint64_t max_bytes) {
  RecordBatch batch;
  batch.last_seq = after;
  if (after >= last_seq) return batch;
  const std::uint64_t limit = std::min(last_seq, after + max_records);
  std::uint64_t bytes = 0;
  auto skip_to = [&batch](std::uint64_t seq) {
    while (batch.last_seq + 1 < seq) batch.missing.push_back(++batch.last_seq);
  };
  publications_.query(after + 1, limit);
  while (bytes < max_bytes && publications_.step()) {
    const auto first_seq = static_cast<std::uint64_t>(publications_.integer(0));
    const auto records = static_cast<std::uint64_t>(publications_.integer(1));
    const auto first_index = static_cast<std::uint64_t>(publications_.integer(3));
    const std::uint64_t from = std::max(first_seq, after + 1);
    const std::uint64_t to = std::min(first_seq + records - 1, limit);
    if (from > to) continue;
    skip_to(from);
    const std::shared_ptr<const Cached> source = payload(publications_.integer(2));
    const bool usable = !source->damaged && first_index + records <= source->payload.records.size();
    if (usable) {
      batch.storage.push_back(source->payload.text);
      batch.storage.push_back(source->identity.text);
    }
    for (std::uint64_t seq = from; seq <= to && bytes < max_bytes; ++seq) {
      batch.last_seq = seq;
      if (!usable) {
        batch.missing.push_back(seq);
        continue;
      }
      Record record = source->payload.records[first_index + (seq - first_seq)];
      record.seq = seq;
      record.vendor = source->identity.vendor;
      record.tenant = source->identity.tenant;
      record.stream = source->identity.stream;
      bytes += record.raw.size() + record.id.size();
      batch.records.push_back(record);
    }
  }
  publications_.reset();
  // Numbers without a publication were pruned or lost: they are named, not skipped in silence.
  if (bytes < max_bytes) skip_to(limit + 1);
  return batch;
}

}  // namespace auditferry
