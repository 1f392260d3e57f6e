#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "core/log.h"

namespace auditferry {

// What differs between two configurations, by name.
struct NamedChanges {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;
  bool any() const { return !added.empty() || !removed.empty() || !changed.empty(); }
  friend bool operator==(const NamedChanges&, const NamedChanges&) = default;
};

struct ConfigChange {
  // A sentence for each setting that only a restart can change; not empty: nothing may be taken over.
  std::vector<std::string> needs_restart;
  NamedChanges sources;
  NamedChanges exporters;
  bool profiles = false; // records are understood by other profiles: all exporters have changed
  bool journal = false;  // [journal]
  bool hosts = false;    // admin.hosts
  bool logging = false;  // log_level, log_format
  bool shutdown = false; // shutdown_timeout

  bool any() const { return sources.any() || exporters.any() || journal || hosts || logging || shutdown || !needs_restart.empty(); }
  // "source acme changed, exporter siem added, change of [journal]"; "nothing" without a change. For the log.
  std::string words() const;
};

// A line of the log.
struct TakeOverProblem {
  std::string words;
  std::vector<LogField> whose = {};  // the source or exporter; empty: it is of the configuration as a whole
};

// What became of settings that a running program was to take over.
struct TakenOver {
  bool in_use = false;                         // false: nothing was done
  std::string words;                           // for the log; empty: there is nothing to say
  std::vector<TakeOverProblem> problems = {};  // why nothing was done, or what could not be started
};

// Pure. Secrets are compared by what they are; the same for profiles. An exporter that is not enabled counts as
// absent. Every exporter changes when the profiles by which records are understood do (profile_book).
ConfigChange compare_settings(const Settings& before, const Settings& after);

}  // namespace auditferry
