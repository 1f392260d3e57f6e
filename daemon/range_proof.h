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

// All questions: what is too large or cannot be read is asked for in halves, down to one record, and where that one
// cannot be read either, further inside the range. If nothing can be read there, the answer says so (kind stop,
// nothing_readable, with the body for the quarantine).

// Asks without a range for the newest record (that can be read), then for exactly its time: it must come. A server
// that treats a bound as exclusive is recognised; a wrong time unit is named, and so is a place of the cursor where there
// is none although more records follow. For logs that answer newest first.
Task<ProofOutcome> prove_range(PortalSession& session, const StreamProfile& stream);

struct PresenceOutcome {
  bool answered = false;
  Answer answer;                   // when not answered
  std::optional<WallTime> newest;  // of the records in the range; nothing: there are none
  std::optional<WallTime> oldest;  // of those that came with the answer
  bool all = false;                // the answer holds all of them
};

// Is there any record in [from, to]?
Task<PresenceOutcome> anything_in(PortalSession& session, const StreamProfile& stream, TimeRange range);

struct BeginningOutcome {
  bool answered = false;
  Answer answer;
  WallTime beginning{};           // nothing that the portal shows is older
  std::optional<WallTime> shown;  // a record that it shows, soon after that; nothing: it shows none
};

// Where the log begins, not before `since` and within the profile's max_window, by a handful of questions
// "anything in [0, T]?".
Task<BeginningOutcome> find_beginning(PortalSession& session, const StreamProfile& stream, WallTime since, WallTime edge);

}  // namespace auditferry
