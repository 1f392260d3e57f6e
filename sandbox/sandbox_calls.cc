// What the sandbox answers about itself, under /sandbox/.
#include "encoding/json_text.h"
#include "encoding/time_format.h"
#include "sandbox/portal_state.h"

namespace auditferry {
namespace {

struct ListedRecords {
  std::vector<SandboxRecord> records;  // copies that share the JSON
  std::optional<WallTime> oldest;
  std::size_t next = 0;
};

void append_line(const SandboxRecord& record, bool forgotten, std::string& out) {
  out += "{\"id\":";
  append_json_string(out, record.id);
  out += ",\"event\":" + std::to_string(record.event);
  out += ",\"time\":\"" + format_rfc3339(record.created);
  out += "\",\"first_visible\":\"" + format_rfc3339(record.visible_from);
  out += "\",\"changes\":" + std::to_string(record.changes);
  out += record.erased ? ",\"erased\":true" : ",\"erased\":false";
  out += forgotten ? ",\"forgotten\":true" : ",\"forgotten\":false";
  out += ",\"record\":" + *record.json + "}\n";
}

std::string query_of(const ParsedTarget& target, const char* name) {
  const auto found = target.query.find(name);
  return found == target.query.end() ? std::string() : found->second;
}

PortalStream* stream_of(PortalState& state, const ParsedTarget& target) {
  return state.stream(query_of(target, "tenant"), query_of(target, "stream"));
}

constexpr const char* no_such_stream = "no such stream: audit, device, okta or github";

// Of one record, which the query names by its stream and id.
PortalAnswer rewrite_history(PortalState& state, const ParsedTarget& target, bool (*rewrite)(PortalStream& stream, std::string_view id)) {
  PortalStream* stream = stream_of(state, target);
  if (!stream) return error_answer(404, no_such_stream);
  const std::string id = query_of(target, "id");
  if (id.empty()) return error_answer(400, "which record: ?stream=audit&id=ID, as GET /sandbox/records?stream=audit lists it");
  if (!rewrite(*stream, id)) return error_answer(404, "no record with this id has appeared");
  return json_answer(200, "{\"success\":true}");
}

PortalAnswer list_records(PortalState& state, const ParsedTarget& target, WallTime now) {
  const PortalStream* stream = stream_of(state, target);
  if (!stream) return error_answer(404, no_such_stream);
  auto listed = std::make_shared<ListedRecords>();
  listed->records = stream->records.all();
  listed->oldest = stream->oldest(now);
  PortalAnswer answer;
  answer.headers.push_back({"Content-Type", "application/x-ndjson"});
  answer.more = [listed](std::string& out) {
    constexpr std::size_t piece_bytes = 256u << 10;
    if (listed->next == listed->records.size()) return false;
    const std::size_t full = out.size() + piece_bytes;
    while (listed->next < listed->records.size() && out.size() < full) {
      const SandboxRecord& record = listed->records[listed->next++];
      append_line(record, listed->oldest && record.created < *listed->oldest, out);
    }
    return true;
  };
  return answer;
}

template <class Map>
void append_counts(const Map& counts, std::string& out) {
  out += '{';
  for (const auto& [key, count] : counts) {
    if (out.back() != '{') out += ',';
    if constexpr (std::is_integral_v<std::decay_t<decltype(key)>>) {
      append_json_string(out, std::to_string(key));
    } else {
      append_json_string(out, key);
    }
    out += ':' + std::to_string(count);
  }
  out += '}';
}

std::string stats_text(const PortalStats& stats) {
  std::string out = "{\"requests\":" + std::to_string(stats.requests) + ",\"by_status\":";
  append_counts(stats.by_status, out);
  out += ",\"by_path\":";
  append_counts(stats.by_path, out);
  out += ",\"faults\":";
  append_counts(stats.faults, out);
  out += ",\"during_penalty\":" + std::to_string(stats.during_penalty) + ",\"streams\":{";
  for (const auto& [name, stream] : stats.streams) {
    if (out.back() != '{') out += ',';
    append_json_string(out, name);
    out += ":{\"made\":" + std::to_string(stream.made) + ",\"changed\":" + std::to_string(stream.changed);
    out += ",\"erased\":" + std::to_string(stream.erased) +
           ",\"forgotten\":" + std::to_string(stream.forgotten) + "}";
  }
  return out + "}}";
}

}  // namespace

PortalStats collect_stats(const PortalState& state, WallTime now) {
  PortalStats stats = state.stats;
  for (const auto& [key, stream] : state.streams) {
    if (key.first != state.options.tenants.front().id) continue;
    StreamStats& counts = stats.streams[key.second];
    const std::optional<WallTime> oldest = stream->oldest(now);
    counts.made = stream->records.all().size();
    counts.changed = stream->changes;
    for (const SandboxRecord& record : stream->records.all()) {
      if (record.erased) ++counts.erased;
      if (oldest && record.created < *oldest) ++counts.forgotten;
    }
  }
  return stats;
}

bool change_record(PortalStream& stream, std::string_view id) {
  SandboxRecord* record = stream.records.find(id);
  if (!record || record->json->size() < 2) return false;
  ++record->changes;
  ++stream.changes;
  // One more member before the closing brace; a second change replaces the first one's number.
  std::string json = *record->json;
  const std::size_t old = json.rfind(",\"sandbox_changed\":");
  json.erase(old == std::string::npos ? json.size() - 1 : old);
  json += ",\"sandbox_changed\":" + std::to_string(record->changes) + "}";
  record->json = std::make_shared<const std::string>(std::move(json));
  return true;
}

bool erase_record(PortalStream& stream, std::string_view id) {
  SandboxRecord* record = stream.records.find(id);
  if (!record) return false;
  record->erased = true;
  return true;
}

PortalAnswer answer_sandbox(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                            WallTime now) {
  if (target.path == "/sandbox/records") return list_records(state, target, now);
  if (target.path == "/sandbox/stats") return json_answer(200, stats_text(collect_stats(state, now)));
  if (request.method != "POST") return error_answer(404, "records, stats, or POST to stop-making, faults, change or erase");
  if (target.path == "/sandbox/stop-making") {
    state.making = false;
    return json_answer(200, "{\"success\":true}");
  }
  if (target.path == "/sandbox/change") return rewrite_history(state, target, change_record);
  if (target.path == "/sandbox/erase") return rewrite_history(state, target, erase_record);
  if (target.path == "/sandbox/faults") {
    Result<Faults> faults = parse_faults(request.body);
    if (!faults.ok()) return error_answer(400, faults.error().message);
    state.faults.set(std::move(faults).value());
    return json_answer(200, "{\"success\":true}");
  }
  return error_answer(404, "records, stats, stop-making, faults, change or erase");
}

}  // namespace auditferry
