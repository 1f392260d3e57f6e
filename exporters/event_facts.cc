#include "exporters/event_facts.h"

#include "encoding/json_object.h"

namespace auditferry {

std::string event_class(const Record& record, const Meaning& meaning) {
  if (meaning.kind == Meaning::Kind::gap) return "gap";
  return meaning.action.empty() ? std::string(record.stream) : meaning.action;
}

const char* category_of(Meaning::Kind kind) {
  switch (kind) {
    case Meaning::Kind::audit:
      return "audit";
    case Meaning::Kind::detection:
      return "detection";
    case Meaning::Kind::gap:
      return "gap";
  }
  return "audit";
}

int severity_of(const Meaning& meaning) {
  switch (meaning.kind) {
    case Meaning::Kind::audit:
      return meaning.outcome == Outcome::failure ? 5 : 3;
    case Meaning::Kind::detection:
      return 7;
    case Meaning::Kind::gap:
      return 8;
  }
  return 3;
}

std::string labels_object(const std::map<std::string, std::string>& labels) {
  if (labels.empty()) return {};
  JsonObject object;
  for (const auto& [key, value] : labels) object.text(key, value);
  return object.finish();
}

}  // namespace auditferry
