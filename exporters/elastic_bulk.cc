#include "exporters/elastic_bulk.h"

#include "encoding/hash.h"
#include "encoding/json_scanner.h"
#include "encoding/json_text.h"
#include "encoding/json_view.h"
#include "encoding/time_format.h"
#include "encoding/utf8.h"
#include "exporters/path_template.h"
#include "exporters/record_id.h"

namespace auditferry {
namespace {

constexpr std::size_t longest_index_bytes = 255;
constexpr std::size_t longest_id_bytes = 512;

std::string text_of(const JsonView& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->scalar_text() : "";
}

// How many bytes append_json_string() makes of it, unescaped: what is no UTF-8 becomes U+FFFD.
std::size_t bytes_as_text(std::string_view bytes) {
  std::size_t size = 0;
  const char* const end = bytes.data() + bytes.size();
  for (const char* p = bytes.data(); p != end;) {
    const Utf8Step step = utf8_step(p, end);
    size += step.valid ? step.length : replacement_character.size();
    p += step.length;
  }
  return size;
}

// The root cause says more than what is wrapped around it.
void read_error(const JsonView& error, BulkItem& item) {
  if (!error.is_object()) {
    item.error_reason = error.scalar_text();
    return;
  }
  item.error_type = text_of(error, "type");
  item.error_reason = text_of(error, "reason");
  const auto cause = error.find("caused_by");
  if (!cause || !cause->is_object()) return;
  const std::string why = text_of(*cause, "reason");
  if (!why.empty()) item.error_reason += ": " + why;
}

}  // namespace

std::string clean_index(std::string_view name) {
  std::string clean;
  clean.reserve(name.size());
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool forbidden =
        byte <= 0x20 || byte >= 0x7F || std::string_view("\\/*?\"<>|,#:").find(c) != std::string_view::npos;
    const bool bad_start = clean.empty() && (c == '-' || c == '_' || c == '+');
    if (bad_start) {
      clean += 'x';
    } else if (forbidden) {
      clean += clean.empty() ? 'x' : '_';
    } else {
      clean += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  if (clean.empty() || clean == "." || clean == "..") return "x";
  if (clean.size() <= longest_index_bytes) return clean;
  // What is cut off must still tell two names apart.
  const ShortHash hash = short_hash(name);
  return clean.substr(0, longest_index_bytes - 17) + "-" + hex(std::span<const std::uint8_t>(hash.data(), 8));
}

std::string document_id(const Record& record) {
  std::string id = record_id(record);
  if (bytes_as_text(id) <= longest_id_bytes) return id;
  return "sha256:" + hex(sha256(id));
}

void append_create(const OutgoingRecord& outgoing, const TextTemplate& index, std::string& body) {
  const Record& record = *outgoing.record;
  body += "{\"create\":{\"_index\":";
  append_json_string(body, clean_index(index.expand(record)));
  body += ",\"_id\":";
  append_json_string(body, document_id(record));
  body += "}}\n";
  const JsonView document(outgoing.bytes);
  const bool object = document.is_object();
  if (object && document.find("@timestamp")) {
    body += outgoing.bytes;
    body += '\n';
    return;
  }
  body += "{\"@timestamp\":\"";
  body += format_rfc3339(filing_time(record));
  body += '"';
  if (!object) {
    body += ",\"record\":";
    body += outgoing.bytes;
    body += '}';
  } else {
    if (outgoing.bytes != "{}") body += ',';
    body += outgoing.bytes.substr(1);
  }
  body += '\n';
}

std::optional<BulkAnswer> parse_bulk_answer(std::string_view body) {
  const Result<ScannedJson> scanned = scan_json(body, 64);
  if (!scanned.ok()) return std::nullopt;
  const JsonView view(scanned->text);
  const auto errors = view.find("errors");
  const auto items = view.find("items");
  if (!errors || !errors->is_bool() || !items || !items->is_array()) return std::nullopt;
  BulkAnswer answer;
  for (const JsonView action : items->elements()) {
    BulkItem item;
    for (const JsonView::Member& member : action.members()) {
      const auto status = member.value.find("status");
      if (status) item.status = static_cast<int>(status->as_int64().value_or(0));
      if (const auto error = member.value.find("error")) read_error(*error, item);
      break;
    }
    answer.items.push_back(std::move(item));
  }
  return answer;
}

ItemVerdict judge_item(const BulkItem& item) {
  ItemVerdict result;
  const int status = item.status;
  // 409 to "create": the document is there already.
  if (status == 200 || status == 201 || status == 409) return result;
  result.reason = "status " + std::to_string(status);
  if (!item.error_type.empty()) result.reason += " " + item.error_type;
  if (!item.error_reason.empty()) result.reason += ": " + item.error_reason;
  // Refusals that the next record would meet too.
  const bool of_the_index = item.error_reason.starts_with("pipeline with id") ||
                            item.error_type == "invalid_index_name_exception" ||
                            item.error_type == "index_closed_exception";
  if (status == 429 || status >= 500 || status < 100) {
    result.verdict = Verdict::retry;
  } else if (of_the_index) {
    result.verdict = Verdict::pause;
  } else if (status == 400 || status == 413 || status == 422) {
    result.verdict = Verdict::poison;
  } else {
    result.verdict = Verdict::pause;
  }
  return result;
}

std::string request_error(std::string_view body) {
  const Result<ScannedJson> scanned = scan_json(body, 64);
  if (!scanned.ok()) return "";
  const auto error = JsonView(scanned->text).find("error");
  if (!error) return "";
  BulkItem words;
  read_error(*error, words);
  if (words.error_type.empty()) return words.error_reason;
  return words.error_type + ": " + words.error_reason;
}

}  // namespace auditferry
