#include "daemon/config_change.h"

#include <map>

#include "daemon/load_settings.h"
#include "daemon/same_settings.h"

namespace auditferry {
namespace {

template <class Part>
std::map<std::string, const Part*> by_name(const std::vector<const Part*>& parts) {
  std::map<std::string, const Part*> named;
  for (const Part* part : parts) named[part->name] = part;
  return named;
}

std::vector<const SourceSettings*> sources_of(const Settings& settings) {
  std::vector<const SourceSettings*> sources;
  for (const SourceSettings& source : settings.sources) sources.push_back(&source);
  return sources;
}

std::vector<const ExporterSettings*> exporters_of(const Settings& settings) {
  std::vector<const ExporterSettings*> exporters;
  for (const ExporterSettings& exporter : settings.exporters) {
    if (exporter.enabled) exporters.push_back(&exporter);
  }
  return exporters;
}

bool same(const SourceSettings& a, const SourceSettings& b) { return same_settings(a, b); }
bool same(const ExporterSettings& a, const ExporterSettings& b) { return same_exporter(a, b); }

// `all_changed`: parts that stay have changed, whatever their own settings say.
template <class Part>
NamedChanges compare(const std::vector<const Part*>& before, const std::vector<const Part*>& after, bool all_changed) {
  const auto old_parts = by_name(before);
  const auto new_parts = by_name(after);
  NamedChanges changes;
  for (const auto& [name, part] : new_parts) {
    const auto old = old_parts.find(name);
    if (old == old_parts.end()) {
      changes.added.push_back(name);
    } else if (all_changed || !same(*old->second, *part)) {
      changes.changed.push_back(name);
    }
  }
  for (const auto& [name, part] : old_parts) {
    if (new_parts.count(name) == 0) changes.removed.push_back(name);
  }
  return changes;
}

// Whether records are understood as before: formats find a vendor's profile in the ProfileBook.
bool same_meaning(const Settings& before, const Settings& after) {
  const ProfileBook old_book = profile_book(before);
  const ProfileBook new_book = profile_book(after);
  for (const Settings* settings : {&before, &after}) {
    for (const SourceSettings& source : settings->sources) {
      const Profile* one = old_book.vendor(source.profile.vendor);
      const Profile* other = new_book.vendor(source.profile.vendor);
      if (one == nullptr || other == nullptr || !same_settings(*one, *other)) return false;
    }
  }
  return true;
}

void compare_places(const Settings& before, const Settings& after, std::vector<std::string>& needs_restart) {
  if (before.daemon.state_dir != after.daemon.state_dir) {
    needs_restart.push_back("daemon.state_dir was " + before.daemon.state_dir + " and is now " + after.daemon.state_dir +
                            ": this needs a restart, since everything that is under way is kept there");
  }
  const auto listens = [](const AdminSettings& admin) { return admin.enabled ? admin.host + ":" + std::to_string(admin.port) : std::string("\"\""); };
  if (listens(before.admin) != listens(after.admin)) {
    needs_restart.push_back("admin.listen was " + listens(before.admin) + " and is now " + listens(after.admin) + ": this needs a restart");
  }
}

void add_words(const char* what, const NamedChanges& changes, std::string& words) {
  const auto add = [&](const std::vector<std::string>& names, const char* how) {
    for (const std::string& name : names) words += (words.empty() ? "" : ", ") + std::string(what) + " " + name + " " + how;
  };
  add(changes.added, "added");
  add(changes.removed, "removed");
  add(changes.changed, "changed");
}

}  // namespace

ConfigChange compare_settings(const Settings& before, const Settings& after) {
  ConfigChange change;
  compare_places(before, after, change.needs_restart);
  change.sources = compare(sources_of(before), sources_of(after), false);
  change.profiles = !same_meaning(before, after);
  change.exporters = compare(exporters_of(before), exporters_of(after), change.profiles);
  change.journal = !same_settings(before.journal, after.journal);
  change.hosts = before.admin.hosts != after.admin.hosts;
  change.logging = before.daemon.log_level != after.daemon.log_level || before.daemon.log_json != after.daemon.log_json;
  change.shutdown = before.daemon.shutdown_timeout != after.daemon.shutdown_timeout;
  return change;
}

std::string ConfigChange::words() const {
  std::string words;
  add_words("source", sources, words);
  add_words("exporter", exporters, words);
  for (const auto& [changed, name] : {std::pair(journal, "[journal]"), std::pair(hosts, "admin.hosts"), std::pair(logging, "log_level or log_format (at the next start)"),
                                      std::pair(shutdown, "shutdown_timeout")}) {
    if (changed) words += std::string(words.empty() ? "" : ", ") + "change of " + std::string(name);
  }
  return words.empty() ? "nothing" : words;
}

}  // namespace auditferry
