#include "exporters/leef_format.h"

#include <limits>

#include "encoding/time_format.h"
#include "exporters/event_facts.h"
#include "exporters/line_text.h"
#include "exporters/meaning.h"

namespace auditferry {
namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

class Attributes {
 public:
  explicit Attributes(std::string& out) : out_(out) {}

  // Left out when empty.
  void text(std::string_view key, std::string_view value, std::size_t max_bytes = unlimited) {
    if (value.empty()) return;
    if (!first_) out_ += '\t';
    first_ = false;
    out_ += key;
    out_ += '=';
    out_ += one_line_text(value, max_bytes);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

std::string header(std::string_view text, std::string_view instead, std::size_t max_bytes) {
  return one_line_text(text.empty() ? instead : text, max_bytes, "|") + '|';
}

// Ten or thirteen digits of epoch time need no devTimeFormat; other times are written out.
void append_time(WallTime time, Attributes& attributes) {
  const std::string milliseconds = std::to_string(epoch_milliseconds(time));
  if (milliseconds.size() == 13 && milliseconds[0] != '-') {
    attributes.text("devTime", milliseconds);
    return;
  }
  attributes.text("devTime", format_rfc3339_micros(time).substr(0, 23) + "Z");
  attributes.text("devTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSX");
}

void append_gap(const GapMeaning& gap, Attributes& attributes) {
  attributes.text("gapType", gap.type);
  attributes.text("gapState", gap.state);
  if (gap.from) attributes.text("gapFrom", format_rfc3339(*gap.from));
  if (gap.to) attributes.text("gapTo", format_rfc3339(*gap.to));
  attributes.text("reason", gap.why);
}

void append_event(const Meaning& meaning, Attributes& attributes) {
  attributes.text("action", meaning.action);
  if (meaning.kind == Meaning::Kind::audit) {
    attributes.text("outcome", to_string(meaning.outcome));
  } else {
    attributes.text("response", meaning.outcome_text);
  }
  attributes.text("usrName", meaning.actor, 255);
  if (meaning.source_ip) {
    attributes.text("src", meaning.source_ip->text());
  } else {
    attributes.text("srcHostName", meaning.source);
  }
  attributes.text("identHostName", meaning.device, 255);
  attributes.text("resource", meaning.target);
}

}  // namespace

LeefFormat::LeefFormat(const std::map<std::string, std::string>& labels, const ProfileBook& profiles)
    : labels_(labels_object(labels)), profiles_(profiles) {}

void LeefFormat::append(const Record& record, std::string& out) const {
  const Meaning meaning = meaning_of(record, profiles_);
  const bool gap = meaning.kind == Meaning::Kind::gap;
  out += "LEEF:2.0|";
  out += header(record.vendor, "auditferry", 255);
  out += header(meaning.product, "auditferry", 255);
  out += header(mapping_version, "", 255);
  out += header(event_class(record, meaning), "record", 255);
  out += "x09|";

  Attributes attributes(out);
  append_time(time_of(record), attributes);
  attributes.text("cat", category_of(meaning.kind));
  attributes.text("sev", std::to_string(severity_of(meaning)));
  if (gap) {
    append_gap(meaning.gap, attributes);
  } else {
    append_event(meaning, attributes);
  }
  attributes.text("tenant", record.tenant);
  attributes.text("stream", record.stream);
  attributes.text("id", world_id(record));
  attributes.text("source", record.source);
  attributes.text("seq", std::to_string(record.seq));
  if (record.revision >= 2) attributes.text("rev", std::to_string(record.revision));
  if (!record.has_time) attributes.text("hasTime", "false");
  if (record.repaired) attributes.text("repaired", "true");
  attributes.text("received", format_rfc3339(record.received));
  attributes.text("labels", labels_);
  std::string raw(record.raw);
  escape_line_separators(raw, 0);
  attributes.text(gap ? "gap" : "record", raw);
}

}  // namespace auditferry
