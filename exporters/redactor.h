#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "core/log.h"
#include "core/record.h"
#include "exporters/json_edit.h"

namespace auditferry {

// What an exporter's far end must not see: [[exporters.NAME.redact]]. Works on the vendor's record alone; the
// id of the envelope stays. Fails closed: what cannot be searched is masked as a whole. Deterministic: the
// same record gives the same bytes. One thread at a time.
class Redactor {
 public:
  static constexpr std::string_view mask = "\"***\"";
  // A rule that has found nothing in so many records is warned of, once.
  static constexpr std::uint64_t warn_after = 1000;

  // `log` outlives it.
  Redactor(const RedactSettings& settings, Log& log, std::string exporter);

  bool empty() const { return rules_.empty(); }
  // Carries out the rules in their order. When one changes the record, the new JSON is appended to `storage`
  // and record.raw becomes a view of it, good until `storage` changes again: records that are kept side by
  // side need a storage each. Gaps are left alone.
  void apply(Record& record, std::string& storage);
  // How many records or strings inside of records were masked as a whole because they were no JSON.
  std::uint64_t unreadable() const { return unreadable_; }

 private:
  struct Rule {
    RedactRule settings;
    JsonPath path;
    bool found = false;
  };

  JsonChange change(RedactAction action, std::string_view value) const;
  std::string hashed(std::string_view value) const;
  void note_unreadable(const Record& record, const std::string& what, std::uint64_t count);
  void warn_of_idle_rules();

  std::vector<Rule> rules_;
  Secret key_;
  Log& log_;
  std::string exporter_;
  std::uint64_t records_ = 0;
  std::uint64_t unreadable_ = 0;
};

}  // namespace auditferry
