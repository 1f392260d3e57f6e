#pragma once
// The body and the answer of Elasticsearch's and OpenSearch's _bulk (Elasticsearch reference, "Bulk API").

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/exporter.h"
#include "exporters/text_template.h"

namespace auditferry {

// An index's name as Elasticsearch allows it: lower case, forbidden characters replaced by '_', at most 255
// bytes.
std::string clean_index(std::string_view name);

// record_id(), or "sha256:" and its hash when it is longer, as text, than the 512 bytes that an _id may have.
std::string document_id(const Record& record);

// Appends the two lines of a record: "create" under document_id(), and the document, in which there is
// always an "@timestamp". Bytes that are no JSON object become the member "record" of one.
void append_create(const OutgoingRecord& outgoing, const TextTemplate& index, std::string& body);

struct BulkItem {
  int status = 0;
  std::string error_type;
  std::string error_reason;
};

struct BulkAnswer {
  std::vector<BulkItem> items;  // in the order of the request
};

// Nothing when it is no answer of _bulk. Safe on any bytes.
std::optional<BulkAnswer> parse_bulk_answer(std::string_view body);

// Of one item. `reason` is the far end's word, unquoted yet.
struct ItemVerdict {
  Verdict verdict = Verdict::delivered;
  std::string reason;
};
ItemVerdict judge_item(const BulkItem& item);

// Words of an error that concerns the whole request ({"error":{"type","reason"}}); "" when there are none.
std::string request_error(std::string_view body);

}  // namespace auditferry
