#include "exporters/redactor.h"

#include "encoding/hash.h"
#include "encoding/json_scanner.h"
#include "encoding/json_text.h"
#include "encoding/json_view.h"
#include "exporters/ip_address.h"
#include "exporters/line_text.h"

namespace auditferry {
namespace {

std::string json_string(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

std::string truncated_ip(std::string_view value) {
  const std::optional<std::string> text = JsonView(value).as_string();
  const std::optional<IpAddress> address = text ? IpAddress::parse(*text) : std::nullopt;
  return address ? json_string(address->network().text()) : std::string(Redactor::mask);
}

// Ten, a hundred, a thousand: often enough to be seen and seldom enough to be read.
bool passes_power_of_ten(std::uint64_t before, std::uint64_t after) {
  for (std::uint64_t power = 1; power <= after && power < (std::uint64_t{1} << 60); power *= 10) {
    if (before < power) return true;
  }
  return false;
}

}  // namespace

Redactor::Redactor(const RedactSettings& settings, Log& log, std::string exporter)
    : key_(settings.key), log_(log), exporter_(std::move(exporter)) {
  for (const RedactRule& rule : settings.rules) rules_.push_back({rule, JsonPath::parse(rule.field), false});
}

void Redactor::apply(Record& record, std::string& storage) {
  if (record.gap || rules_.empty()) return;
  ++records_;
  std::optional<std::string> text;
  const Result<ScannedJson> scanned = scan_json(record.raw);
  if (!scanned || !scanned->repairs.empty()) {
    text = std::string(mask);
    note_unreadable(record, "the record is no valid JSON", 1);
  } else {
    for (Rule& rule : rules_) {
      const auto decide = [&](std::string_view value) { return change(rule.settings.action, value); };
      JsonEdited edited =
          edit_json(text ? std::string_view(*text) : record.raw, rule.path, decide, std::string(mask));
      rule.found = rule.found || edited.found > 0;
      if (edited.text) text = std::move(edited.text);
      if (edited.unreadable > 0)
        note_unreadable(record, "a string that " + rule.settings.field + " leads into holds no valid JSON",
                        edited.unreadable);
    }
  }
  if (records_ == warn_after) warn_of_idle_rules();
  if (!text) return;
  const std::size_t begin = storage.size();
  storage += *text;
  record.raw = std::string_view(storage).substr(begin);
}

JsonChange Redactor::change(RedactAction action, std::string_view value) const {
  using Kind = JsonChange::Kind;
  if (action == RedactAction::remove) return {Kind::remove, {}};
  // There is nothing to hide in null, and that a value is missing stays visible.
  if (value == "null") return {Kind::keep, {}};
  switch (action) {
    case RedactAction::hash:
      return {Kind::replace, hashed(value)};
    case RedactAction::truncate_ip:
      return {Kind::replace, truncated_ip(value)};
    case RedactAction::remove:
    case RedactAction::mask:
      break;
  }
  return {Kind::replace, std::string(mask)};
}

std::string Redactor::hashed(std::string_view value) const {
  // A string's characters; of everything else the JSON without white space.
  std::string text;
  const JsonView view(value);
  if (view.is_string()) {
    text = view.scalar_text();
  } else {
    Result<ScannedJson> scanned = scan_json(value);
    text = scanned ? std::move(scanned->text) : std::string(value);
  }
  return json_string("hmac-sha256:" + hex(hmac_sha256(key_.reveal(), text)));
}

void Redactor::note_unreadable(const Record& record, const std::string& what, std::uint64_t count) {
  const std::uint64_t before = unreadable_;
  unreadable_ += count;
  if (!passes_power_of_ten(before, unreadable_)) return;
  log_.warn("redaction masked a value as a whole: " + what + " (record " + world_id(record) + "; " +
                std::to_string(unreadable_) + " of these so far); check the field of the rule",
            {{"exporter", exporter_},
             {"source", std::string(record.source)},
             {"stream", std::string(record.stream)}});
}

void Redactor::warn_of_idle_rules() {
  for (const Rule& rule : rules_) {
    if (rule.found) continue;
    log_.warn("redaction of " + rule.settings.field + " has found nothing in the first " +
                  std::to_string(warn_after) + " records of exporter " + exporter_ +
                  "; compare the field with a record: is it spelled so, and does a '#' stand where JSON is "
                  "inside a string?",
              {{"exporter", exporter_}, {"field", rule.settings.field}});
  }
}

}  // namespace auditferry
