#include "exporters/cef_format.h"

#include <limits>

#include "exporters/event_facts.h"
#include "exporters/line_text.h"
#include "exporters/meaning.h"

namespace auditferry {
namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

std::string escaped_header(std::string_view text, std::size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const TextUnit unit = next_unit(text);
    std::string_view written = unit.kind == TextUnit::Kind::plain ? unit.bytes : " ";
    if (written == "\\") written = "\\\\";
    if (written == "|") written = "\\|";
    if (out.size() + written.size() > max_bytes) break;
    out += written;
  }
  return out;
}

std::string_view escaped_unit(const TextUnit& unit) {
  switch (unit.kind) {
    case TextUnit::Kind::line_end:
    case TextUnit::Kind::line_separator:
      return "\\n";
    case TextUnit::Kind::carriage_return:
      return "\\r";
    case TextUnit::Kind::control:
      return " ";
    case TextUnit::Kind::plain:
      break;
  }
  if (unit.bytes == "\\") return "\\\\";
  return unit.bytes == "=" ? "\\=" : unit.bytes;
}

// Without blanks at the ends: a reader could not tell them from the separator.
std::string escaped_value(std::string_view text, std::size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const std::string_view written = escaped_unit(next_unit(text));
    if (out.empty() && written == " ") continue;
    if (out.size() + written.size() > max_bytes) break;
    out += written;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

class Extension {
 public:
  explicit Extension(std::string& out) : out_(out) {}

  // Left out when nothing remains of the value.
  bool text(std::string_view key, std::string_view value, std::size_t max_bytes = unlimited) {
    const std::string escaped = escaped_value(value, max_bytes);
    if (escaped.empty()) return false;
    if (!first_) out_ += ' ';
    first_ = false;
    out_ += key;
    out_ += '=';
    out_ += escaped;
    return true;
  }
  void number(std::string_view key, std::int64_t value) { text(key, std::to_string(value)); }
  void labelled(const std::string& key, std::string_view label, std::string_view value,
                std::size_t max_bytes = 4000) {
    if (text(key, value, max_bytes)) text(key + "Label", label, 1023);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_who(const Meaning& meaning, Extension& extension) {
  extension.text("suser", meaning.actor, 1023);
  if (!meaning.source_ip) {
    extension.text("shost", meaning.source, 1023);
  } else if (meaning.source_ip->is_v6()) {
    extension.labelled("c6a2", "Source IPv6 Address", meaning.source_ip->text());
  } else {
    extension.text("src", meaning.source_ip->text());
  }
  if (target_is_user(meaning)) extension.text("duser", meaning.target, 1023);
  extension.text("deviceExternalId", meaning.device, 255);
}

void append_what(const Meaning& meaning, Extension& extension) {
  if (meaning.kind == Meaning::Kind::gap) {
    extension.text("act", meaning.gap.type, 63);
    extension.text("msg", meaning.gap.why, 1023);
    if (meaning.gap.from) extension.number("start", epoch_milliseconds(*meaning.gap.from));
    if (meaning.gap.to) extension.number("end", epoch_milliseconds(*meaning.gap.to));
    return;
  }
  if (meaning.kind == Meaning::Kind::detection) {
    extension.text("act", meaning.outcome_text, 63);  // what was detected is the event's class
    return;
  }
  extension.text("act", meaning.action, 63);
  extension.text("outcome", to_string(meaning.outcome), 63);
}

}  // namespace

CefFormat::CefFormat(const std::map<std::string, std::string>& labels, const ProfileBook& profiles)
    : labels_(labels_object(labels)), profiles_(profiles) {}

void CefFormat::append(const Record& record, std::string& out) const {
  const Meaning meaning = meaning_of(record, profiles_);
  const bool gap = meaning.kind == Meaning::Kind::gap;
  const std::string event = event_class(record, meaning);
  out += "CEF:0|";
  out += escaped_header(record.vendor.empty() ? "auditferry" : record.vendor, 63) + '|';
  out += escaped_header(meaning.product.empty() ? "auditferry" : meaning.product, 63) + '|';
  out += std::string(mapping_version) + '|';
  out += escaped_header(event, 1023) + '|';
  out += escaped_header(event, 512) + '|';
  out += std::to_string(severity_of(meaning)) + '|';

  Extension extension(out);
  extension.number("rt", epoch_milliseconds(time_of(record)));
  append_what(meaning, extension);
  extension.text("cat", category_of(meaning.kind), 1023);
  append_who(meaning, extension);
  // Cut it would be another record's.
  if (escaped_value(record.id, unlimited).size() <= 40) extension.text("externalId", record.id, 40);
  extension.labelled("cs1", "tenant", record.tenant);
  extension.labelled("cs2", "stream", record.stream);
  extension.labelled("cs3", "id", world_id(record));
  extension.labelled("cs4", "source", record.source);
  extension.labelled("cs5", "target", meaning.target);
  extension.labelled("cs6", "labels", labels_);
  extension.labelled("cn1", "seq", std::to_string(record.seq));
  if (record.revision >= 2) extension.labelled("cn2", "rev", std::to_string(record.revision));
  extension.labelled("deviceCustomDate1", "received", std::to_string(epoch_milliseconds(record.received)));
  if (!record.has_time) extension.text("AuditferryHasTime", "false");
  if (record.repaired) extension.text("AuditferryRepaired", "true");
  std::string raw(record.raw);
  escape_line_separators(raw, 0);
  extension.text(gap ? "AuditferryGap" : "AuditferryRecord", raw);
}

}  // namespace auditferry
