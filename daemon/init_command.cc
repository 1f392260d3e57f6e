#include "daemon/init_command.h"

#include <grp.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "config/config_file.h"
#include "config/nearest_name.h"
#include "core/secret.h"
#include "daemon/init_config.h"
#include "daemon/load_settings.h"
#include "sources/profile.h"

namespace auditferry {
namespace {

namespace fs = std::filesystem;

struct NewFile {
  std::string path;
  Secret text;  // the configuration's is none, but the same care does not hurt
};

std::string absolute(const std::string& path) {
  std::error_code error;
  const fs::path found = fs::absolute(path, error);
  return (error ? fs::path(path) : found).lexically_normal().string();
}

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

bool is_under(const std::string& path, const std::string& folder) { return path == folder || path.starts_with(folder + "/"); }

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> names;
  std::string name;
  for (const char c : text + ",") {
    if (c == ',') {
      if (!name.empty()) names.push_back(name);
      name.clear();
    } else if (c != ' ') {
      name += c;
    }
  }
  return names;
}

std::string comma_list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

// One run of the command: what it knows already, and the files that it is going to make.
class Init {
 public:
  Init(const InitOptions& options, Questions& questions, FileSystem& files, const ReportSink& say)
      : options_(options), questions_(questions), files_(files), say_(say), config_(absolute(options.config)),
        group_(for_the_service(options, config_) ? options.service_group : "") {}

  Result<std::string> run() {
    Status free = refuse_existing(config_);
    if (!free) return std::move(free).error();
    for (const auto step : {&Init::choose_profile, &Init::ask_source, &Init::ask_places, &Init::take_credential_files, &Init::place_credentials,
                            &Init::check, &Init::ask_credentials, &Init::write}) {
      Status done = (this->*step)();
      if (!done) return std::move(done).error();
    }
    return config_;
  }

 private:
  Status refuse_existing(const std::string& path) {
    const Result<bool> exists = files_.exists(path);
    if (!exists) return exists.error();
    if (*exists) return Error{ErrorKind::busy, path + " exists already, and is not overwritten: remove it, or name another file with --config"};
    return {};
  }

  // `given`, else what a person answers, else what is usual.
  Status fill(std::string& answer, const std::string& given, const std::string& words, std::string usual, const std::string& flag) {
    answer = given;
    if (!answer.empty()) return {};
    if (questions_.on_terminal()) {
      Result<std::string> said = questions_.ask(words, usual);
      if (!said) return std::move(said).error();
      answer = std::move(said).value();
    } else {
      answer = usual;
    }
    if (answer.empty()) return Error{ErrorKind::invalid, words + " is needed: give it with " + flag + ", or run 'auditferry init' in a terminal, where it is asked for"};
    return {};
  }

  Status choose_profile() {
    const std::vector<std::string> names = builtin_profile_names();
    Status filled = fill(answers_.profile, options_.profile, "Which portal (" + comma_list(names) + ")", "", "--profile");
    if (!filled) return filled;
    if (std::find(names.begin(), names.end(), answers_.profile) == names.end())
      return Error{ErrorKind::invalid, "there is no built-in profile \"" + answers_.profile + "\"; " + suggestion(answers_.profile, names)};
    Result<Profile> profile = builtin_profile(answers_.profile);
    if (!profile) return std::move(profile).error();
    profile_ = std::move(profile).value();
    return {};
  }

  Status ask_source() {
    Status filled = fill(answers_.base_url, options_.base_url, "Address of the " + profile_.title, profile_.base_url, "--base-url");
    if (filled && profile_.tenant_required) filled = fill(answers_.tenant, options_.tenant, "Tenant", "", "--tenant");
    std::vector<std::string> known;
    for (const auto& entry : profile_.streams) known.push_back(entry.first);
    std::string streams;
    if (filled) filled = fill(streams, options_.streams, "Which logs", comma_list(known), "--streams");
    answers_.streams = split_names(streams);
    if (filled) filled = fill(answers_.source, options_.source, "A name for it", answers_.profile, "--source");
    if (filled) filled = fill(answers_.start, options_.start, "From when on (a time, \"-24h\" or \"oldest\")", answers_.start, "--start");
    return filled;
  }

  Status ask_places() {
    const std::string folder = folder_of(config_);
    const bool of_system = is_under(folder, options_.system_folder);
    Status filled = fill(answers_.state_dir, options_.state_dir, "Folder of the journal", of_system ? "/var/lib/auditferry" : folder + "/state", "--state-dir");
    if (filled) filled = fill(answers_.records, options_.records, "Folder of the records", of_system ? "/var/log/auditferry" : folder + "/records", "--records");
    answers_.state_dir = absolute(answers_.state_dir);
    answers_.records = absolute(answers_.records);
    if (!options_.listen.empty()) answers_.listen = options_.listen;
    return filled;
  }

  Status take_credential_files() {
    for (const std::string& option : options_.credential_files) {
      const std::size_t equals = option.find('=');
      const std::string name = option.substr(0, equals);
      if (equals == std::string::npos || equals + 1 == option.size())
        return Error{ErrorKind::invalid, "--credential-file expects NAME=PATH, for example --credential-file " + profile_.credentials.front() + "=/run/secrets/" + profile_.credentials.front()};
      if (std::find(profile_.credentials.begin(), profile_.credentials.end(), name) == profile_.credentials.end())
        return Error{ErrorKind::invalid, "profile " + answers_.profile + " has no credential \"" + name + "\"; " + suggestion(name, profile_.credentials)};
      answers_.credentials[name] = absolute(option.substr(equals + 1));
      note_rights(answers_.credentials[name]);
    }
    return {};
  }

  void note_rights(const std::string& path) {
    struct stat found = {};
    if (::stat(path.c_str(), &found) != 0) return;
    if ((found.st_mode & (group_.empty() ? 0077 : 0007)) != 0)
      say_("note: " + path + " can be read by others than " + (group_.empty() ? "its owner: chmod 600" : "the service: chmod 640") + " it, unless that is meant\n");
    note_service(path, found, 0040, "read it", "0640");
  }

  // When what was there before keeps the service out.
  void note_service(const std::string& path, const struct stat& found, unsigned needed, const std::string& act, const std::string& mode) {
    if (group_.empty()) return;
    const struct group* group = getgrnam(group_.c_str());
    const bool of_group = group != nullptr && found.st_gid == group->gr_gid && (found.st_mode & needed) == needed;
    const unsigned needed_by_others = needed >> 3;
    if (of_group || (found.st_mode & needed_by_others) == needed_by_others) return;
    say_("note: the service's user cannot " + act + ": chgrp " + group_ + " " + path + "; chmod " + mode + " " + path + "\n");
  }

  Status place_credentials() {
    for (const std::string& name : profile_.credentials) {
      if (answers_.credentials.count(name) > 0) continue;
      const std::string file = "secrets/" + answers_.source + "-" + name;
      Status free = refuse_existing(folder_of(config_) + "/" + file);
      if (!free) return free;
      answers_.credentials[name] = file;
      asked_for_.push_back(name);
    }
    return {};
  }

  // As the daemon will read it, but for the secrets that are not there yet.
  Status check() {
    text_ = init_config(answers_, profile_);
    const Result<Settings> settings = parse_settings(text_, config_, folder_of(config_));
    if (settings.ok()) return {};
    return Error{ErrorKind::invalid, "the answers make no valid configuration, and nothing was written:\n" + settings.error().message};
  }

  Status ask_credentials() {
    for (const std::string& name : asked_for_) {
      Result<std::string> said = questions_.ask_secret(name);
      if (!said) return Error{said.error().kind, "the credential " + name + " is needed: " + said.error().message};
      if (said->empty()) return Error{ErrorKind::invalid, "the credential " + name + " is empty: nothing was written"};
      files_to_make_.push_back({folder_of(config_) + "/" + answers_.credentials[name], Secret(std::move(said).value())});
    }
    return {};
  }

  Status write() {
    files_to_make_.push_back({config_, Secret(text_)});
    Status made = make_folder(folder_of(config_));
    if (made && files_to_make_.size() > 1) made = make_folder(folder_of(config_) + "/secrets");
    std::vector<std::string> done;
    for (const NewFile& file : files_to_make_) {
      if (made) made = make(file, done);
    }
    if (!made) {
      for (const std::string& path : done) (void)files_.remove(path);
      return made;
    }
    const std::string readers = group_.empty() ? " (readable by its owner only)" : " (readable by its owner and the service only)";
    for (const std::string& path : done) say_("wrote " + path + (path == config_ ? "" : readers) + "\n");
    return {};
  }

  Status make_folder(const std::string& path) {
    const Result<bool> there = files_.exists(path);
    if (!there) return there.error();
    if (*there) {
      struct stat found = {};
      if (::stat(path.c_str(), &found) == 0) note_service(path, found, 0010, "enter " + path, "0750");
      return {};
    }
    return files_.create_folders(path, group_.empty() ? 0700 : 0750, group_);
  }

  Status make(const NewFile& file, std::vector<std::string>& done) {
    OpenOptions options;
    options.exclusive = true;
    options.mode = group_.empty() ? 0600 : 0640;
    options.group = group_;
    Result<std::unique_ptr<File>> opened = files_.open(file.path, options);
    if (!opened) return std::move(opened).error();
    done.push_back(file.path);
    Status written = (*opened)->append(file.text.reveal());
    if (written) written = (*opened)->sync();
    if (written) written = files_.sync_folder(folder_of(file.path));
    return written;
  }

  const InitOptions& options_;
  Questions& questions_;
  FileSystem& files_;
  const ReportSink& say_;
  const std::string config_;
  const std::string group_;  // that may read what is written; empty: none
  Profile profile_;
  InitAnswers answers_;
  std::string text_;
  std::vector<std::string> asked_for_;  // credentials
  std::vector<NewFile> files_to_make_;
};

}  // namespace

bool for_the_service(const InitOptions& options, const std::string& path) {
  return !options.service_group.empty() && is_under(folder_of(absolute(path)), options.system_folder);
}

Result<std::string> init(const InitOptions& options, Questions& questions, FileSystem& files, const ReportSink& say) {
  return Init(options, questions, files, say).run();
}

}  // namespace auditferry
