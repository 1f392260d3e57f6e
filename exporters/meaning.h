#pragma once
// What a record says, in the terms that every event format has: who did what to what, from where, and how
// it ended. Found through the meaning fields of the record's profile (core/profile.h), never by a vendor's
// name.

#include <optional>
#include <string>
#include <string_view>

#include "core/profile.h"
#include "core/record.h"
#include "exporters/activity.h"
#include "exporters/ip_address.h"

namespace auditferry {

enum class Outcome { success, failure, unknown };
const char* to_string(Outcome outcome);
// Of every format, of selections and of syslog's severity: true, 1, "SUCCESS", "allowed", a status 200 to 399 …;
// false, 0, "Denied", 400 to 599 …
Outcome outcome_of(std::string_view text);

// The text of a meaning field: of a string, number or boolean, and of the first of these in an array. Empty
// when the field is not there, is null, an object or anything else that has no text of its own.
std::string meaning_text(std::string_view raw, const std::string& pointer);

// Of the gap's object (docs/formats.md).
struct GapMeaning {
  std::string type;
  std::string why;
  std::string state;
  std::optional<WallTime> from;
  std::optional<WallTime> to;
};

struct Meaning {
  enum class Kind { audit, detection, gap };
  Kind kind = Kind::audit;
  std::string product;  // the profile's title; without a profile the vendor's name
  std::string actor;    // empty where the record does not say, here and below
  std::string action;
  std::string outcome_text;  // as the vendor writes it; of a detection: what the product did about it
  Outcome outcome = Outcome::unknown;  // of audit records
  std::string target;
  std::string device;
  std::string source;
  std::optional<IpAddress> source_ip;  // when `source` is an address, or one with a port
  Activity activity;
  int device_state = 0;                   // of detections
  Response response = Response::unknown;  // of detections
  GapMeaning gap;                         // of gaps
};

// Whether the target is a user: the action is on an account, on what somebody may do, or on who is in a group.
bool target_is_user(const Meaning& meaning);

// Never fails: what cannot be read is empty.
Meaning meaning_of(const Record& record, const ProfileBook& profiles);

// The record's time, or when it was received.
inline WallTime time_of(const Record& record) {
  return record.has_time ? record.time : record.received;
}

}  // namespace auditferry
