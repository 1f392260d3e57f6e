#include "storage/publisher.h"

#include <algorithm>
#include <memory>

#include "core/check.h"

namespace auditferry {

// A payload under publication: what is left of it, and the key of its next record.
struct Publisher::Source {
  std::int64_t payload_id = 0;
  std::uint64_t records = 0;
  std::uint64_t published = 0;
  WallTime head_time{};
  std::string head_id;
  WallTime last_time{};
  std::string last_id;
  DecodedPayload decoded;  // empty until its inside has to be looked at
  std::uint64_t left() const { return records - published; }
};

namespace {

bool key_less(WallTime a_time, std::string_view a_id, WallTime b_time, std::string_view b_id) {
  if (a_time != b_time) return a_time < b_time;
  return id_less(a_id, b_id);
}

}  // namespace

Publisher::Publisher(Database& database)
    : staged_(database,
              "SELECT payload_id, records, published, first_time, first_id, last_time, last_id FROM staged WHERE walk_id = ? ORDER BY payload_id"),
      body_(database, "SELECT body FROM payload WHERE payload_id = ?"),
      insert_(database, "INSERT INTO publication(first_seq, records, payload_id, first_index, at) VALUES (?, ?, ?, ?, ?)"),
      progress_(database, "UPDATE staged SET published = ? WHERE payload_id = ?"),
      remove_(database, "DELETE FROM staged WHERE payload_id = ?") {}

std::vector<Publisher::Source> Publisher::load(std::int64_t walk_id) {
  std::vector<Source> sources;
  staged_.query(walk_id);
  while (staged_.step()) {
    Source source;
    source.payload_id = staged_.integer(0);
    source.records = static_cast<std::uint64_t>(staged_.integer(1));
    source.published = static_cast<std::uint64_t>(staged_.integer(2));
    source.head_time = from_micros(staged_.integer(3));
    source.head_id = staged_.text(4);
    source.last_time = from_micros(staged_.integer(5));
    source.last_id = staged_.text(6);
    sources.push_back(std::move(source));
  }
  for (Source& source : sources) {
    if (source.published > 0) decode(source);
  }
  return sources;
}

void Publisher::decode(Source& source) {
  if (!source.decoded.text) {
    const bool found = body_.query(source.payload_id).step();
    AUDITFERRY_CHECK(found);
    Result<DecodedPayload> decoded = decode_payload(body_.blob(0));
    body_.reset();
    // A damaged payload keeps its place as one run; readers find the damage and say so.
    if (!decoded || decoded->records.size() != source.records) return;
    source.decoded = std::move(decoded).value();
  }
  if (source.published < source.records) {
    const Record& head = source.decoded.records[source.published];
    source.head_time = head.time;
    source.head_id = head.id;
  }
}

Publisher::Chunk Publisher::publish(std::int64_t walk_id, std::uint64_t next_seq, std::uint64_t max_records, WallTime now) {
  std::vector<Source> sources = load(walk_id);
  Chunk chunk;
  chunk.first_seq = next_seq;
  // A heap with the smallest head on top; equal keys come in the order in which pages were fetched.
  auto later = [](const Source* a, const Source* b) {
    if (a->head_time != b->head_time || a->head_id != b->head_id) return key_less(b->head_time, b->head_id, a->head_time, a->head_id);
    return a->payload_id > b->payload_id;
  };
  std::vector<Source*> heap;
  for (Source& source : sources) heap.push_back(&source);
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty() && chunk.records < max_records) {
    std::pop_heap(heap.begin(), heap.end(), later);
    Source& source = *heap.back();
    heap.pop_back();
    std::uint64_t run = source.left();
    if (!heap.empty() && !key_less(source.last_time, source.last_id, heap.front()->head_time, heap.front()->head_id)) {
      decode(source);
      if (source.decoded.text) {
        const Source& other = *heap.front();
        run = 1;
        while (run < source.left()) {
          const Record& record = source.decoded.records[source.published + run];
          if (!key_less(record.time, record.id, other.head_time, other.head_id)) break;
          ++run;
        }
      }
    }
    run = std::min(run, max_records - chunk.records);
    insert_.run(next_seq + chunk.records, run, source.payload_id, source.published, to_micros(now));
    chunk.records += run;
    source.published += run;
    if (source.left() == 0) {
      remove_.run(source.payload_id);
      source.decoded = {};
    } else {
      progress_.run(source.published, source.payload_id);
      decode(source);
      heap.push_back(&source);
      std::push_heap(heap.begin(), heap.end(), later);
    }
  }
  chunk.complete = heap.empty();
  return chunk;
}

void Publisher::publish_payload(std::int64_t payload_id, std::uint64_t seq, std::uint64_t records, WallTime now) {
  insert_.run(seq, records, payload_id, std::int64_t{0}, to_micros(now));
}

}  // namespace auditferry
