#pragma once

#include <optional>
#include <string>

#include "daemon/portal_session.h"

namespace auditferry {

// What the questions of a proof found out.
struct ProofOutcome {
  enum class Kind {
    proved,
    nothing_there,  // the log has no record yet: nothing is proved, nothing is wrong
    wrong,          // an operator must change a setting; see message
    no_answer,      // `answer` says why; ask again later
  };
  Kind kind = Kind::no_answer;
  std::string message;
  bool exclusive_bounds = false;  // a bound is exclusive; walks ask wider and lose nothing
  Answer answer;
};

// Asks without a range for the newest record, then for exactly its time: it must come. A server that
// treats a bound as exclusive is recognised; a wrong time unit is named.
Task<ProofOutcome> prove_range(PortalSession& session, const StreamProfile& stream);

struct PresenceOutcome {
  bool answered = false;
  Answer answer;                   // when not answered
  std::optional<WallTime> newest;  // of the records in the range; nothing: there are none
};

// Is there any record in [from, to]?
Task<PresenceOutcome> anything_in(PortalSession& session, TimeRange range, std::uint32_t page_size);

struct BeginningOutcome {
  bool answered = false;
  Answer answer;
  WallTime beginning{};  // nothing that the portal shows is older
};

// Where the log begins, within the profile's max_window, by a handful of questions "anything in [0, T]?".
Task<BeginningOutcome> find_beginning(PortalSession& session, const StreamProfile& stream, WallTime edge);

}  // namespace auditferry
