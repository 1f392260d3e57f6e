#pragma once
// Which OCSF class and activity a record is: https://schema.ocsf.io/1.8.0/classes.

#include "exporters/meaning.h"

namespace auditferry {

enum class OcsfClass {
  account_change = 3001,
  authentication = 3002,
  entity_management = 3004,
  user_access = 3005,
  group_management = 3006,
  detection_finding = 2004,
  device_state_change = 5019,
  api_activity = 6003,
  application_error = 6008,
};

inline constexpr int ocsf_unknown = 0;
inline constexpr int ocsf_other = 99;

struct OcsfKind {
  OcsfClass class_id = OcsfClass::api_activity;
  int activity_id =
      ocsf_unknown;  // of that class; 0 when the record names no action, 99 for one that it has not
};

OcsfKind ocsf_kind(const Meaning& meaning);

// 1 informational … 4 high.
int ocsf_severity(const Meaning& meaning);

// The security_control profile's numbers for what a product did about a detection.
struct OcsfDisposition {
  int action_id = 0;
  int disposition_id = 15;
};
OcsfDisposition ocsf_disposition(Response response);

}  // namespace auditferry
