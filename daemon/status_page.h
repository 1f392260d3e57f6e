#pragma once
// The page for people at / of the admin listener: whole without script, renewed by one where scripts run. The
// script (daemon/page/script.js) asks for this page again and takes over the parts that changed, so there is
// one rendering, here, and nothing from outside ever passes through a script.

#include <string>

#include "daemon/live_state.h"

namespace auditferry {

// Pure. Every word from outside is escaped (daemon/html.h).
std::string render_status_page(const LiveState& state);

// The Content-Security-Policy under which the page works: nothing but its own style sheet and its own script,
// by their hashes, and requests to where it came from.
std::string status_page_policy();

}  // namespace auditferry
