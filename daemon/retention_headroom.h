#pragma once

#include <optional>
#include <string>

#include "daemon/status_report.h"

namespace auditferry {

// How long until the portal forgets something that is not here and that no open gap tells of; zero or less: it
// may have. Nothing where the stream's retention or its coverage is not known, or it is no longer collected. Pure.
std::optional<Duration> retention_headroom(const StreamProgress& progress, const JournalSnapshot& snapshot,
                                           const StatusContext& context);

// The same where it is so small that a person should know: less than a day, and than a quarter of the retention. Pure.
std::optional<Duration> alarming_headroom(const StreamProgress& progress, const JournalSnapshot& snapshot,
                                          const StatusContext& context);
// What an alarming headroom means for `stream` ("acme/audit"): a sentence.
std::string headroom_words(Duration headroom, const std::string& stream);

// What is configured as the stream's retention.
std::optional<Duration> retention_of(const StreamSnapshot& stream, const Settings* settings);

}  // namespace auditferry
