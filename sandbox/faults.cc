#include "sandbox/faults.h"

#include <array>
#include <boost/json.hpp>
#include <utility>

namespace auditferry {
namespace {

constexpr std::array<std::pair<FaultKind, const char*>, 21> kind_names = {{
    {FaultKind::status, "status"},
    {FaultKind::rate_limited, "rate_limited"},
    {FaultKind::echo, "echo"},
    {FaultKind::success_false, "success_false"},
    {FaultKind::html, "html"},
    {FaultKind::empty_body, "empty_body"},
    {FaultKind::truncated, "truncated"},
    {FaultKind::cut, "cut"},
    {FaultKind::reset, "reset"},
    {FaultKind::half_close, "half_close"},
    {FaultKind::refuse, "refuse"},
    {FaultKind::malformed, "malformed"},
    {FaultKind::invalid_utf8, "invalid_utf8"},
    {FaultKind::control_character, "control_character"},
    {FaultKind::deep_nesting, "deep_nesting"},
    {FaultKind::huge_body, "huge_body"},
    {FaultKind::trickle, "trickle"},
    {FaultKind::delay, "delay"},
    {FaultKind::hang, "hang"},
    {FaultKind::gzip, "gzip"},
    {FaultKind::deflate, "deflate"},
}};

Error wrong(const std::string& what) {
  return Error{ErrorKind::invalid, "faults: " + what};
}

bool hits(const std::string& target, std::string_view stream, std::string_view path) {
  return target.empty() || target == stream || target == path;
}

// Members of the object that describe the fault itself; unknown ones are left to the caller.
Status read_fault_member(std::string_view key, const boost::json::value& value, Fault& fault, bool& known) {
  known = true;
  if (key == "kind" && value.is_string()) {
    Result<FaultKind> kind = parse_fault_kind(std::string(value.get_string()));
    if (!kind.ok()) return kind.error();
    fault.kind = *kind;
  } else if (key == "status" && value.is_int64()) {
    fault.status = static_cast<int>(value.get_int64());
  } else if (key == "retry_after" && value.is_string()) {
    fault.retry_after = std::string(value.get_string());
  } else if (key == "penalty_seconds" && value.is_int64()) {
    fault.penalty = std::chrono::seconds(value.get_int64());
  } else if (key == "bytes" && value.is_int64()) {
    fault.bytes = static_cast<std::uint64_t>(value.get_int64());
  } else if (key == "delay_ms" && value.is_int64()) {
    fault.delay = std::chrono::milliseconds(value.get_int64());
  } else if (key == "body" && value.is_string()) {
    fault.body = std::string(value.get_string());
  } else if (key == "headers" && value.is_object()) {
    for (const auto& [name, text] : value.get_object()) {
      if (!text.is_string()) return wrong("headers must be strings");
      fault.headers.push_back({std::string(name), std::string(text.get_string())});
    }
  } else {
    known = false;
  }
  return {};
}

// Reads `target`, `skip`, `times`, `rate` and the fault of one entry.
struct Entry {
  ScriptedFault scripted;
  double rate = 0;
};

Result<Entry> read_entry(const boost::json::value& value) {
  if (!value.is_object()) return wrong("an entry is not an object");
  Entry entry;
  for (const auto& [key, member] : value.get_object()) {
    bool known = false;
    if (Status read = read_fault_member(std::string(key), member, entry.scripted.fault, known); !read.ok())
      return read.error();
    if (known) continue;
    if (key == "target" && member.is_string()) {
      entry.scripted.target = std::string(member.get_string());
    } else if (key == "skip" && member.is_int64()) {
      entry.scripted.skip = static_cast<std::uint64_t>(member.get_int64());
    } else if (key == "times" && member.is_int64()) {
      entry.scripted.times = static_cast<std::uint64_t>(member.get_int64());
    } else if (key == "rate" && member.is_number()) {
      entry.rate = member.to_number<double>();
    } else {
      return wrong("unknown key or wrong type: " + std::string(key));
    }
  }
  return entry;
}

}  // namespace

Result<FaultKind> parse_fault_kind(std::string_view name) {
  if (name == "expire_cursors") return FaultKind::expire_cursors;
  for (const auto& [kind, text] : kind_names) {
    if (name == text) return kind;
  }
  return wrong("unknown kind '" + std::string(name) + "'");
}

const char* to_string(FaultKind kind) {
  for (const auto& [known, text] : kind_names) {
    if (known == kind) return text;
  }
  return "expire_cursors";
}

Fault rate_limit_fault(std::chrono::seconds retry_after) {
  Fault fault;
  fault.kind = FaultKind::rate_limited;
  fault.status = 429;
  fault.retry_after = std::to_string(retry_after.count());
  fault.penalty = retry_after;
  return fault;
}

Fault status_fault(int status) {
  Fault fault;
  fault.status = status;
  return fault;
}

Result<Faults> parse_faults(std::string_view json) {
  boost::json::error_code error;
  const boost::json::value parsed =
      boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
  if (error || !parsed.is_object()) return wrong("not a JSON object");
  Faults faults;
  for (const auto& [key, value] : parsed.get_object()) {
    if (key == "seed" && value.is_int64()) {
      faults.seed = static_cast<std::uint64_t>(value.get_int64());
      continue;
    }
    if ((key != "script" && key != "random") || !value.is_array())
      return wrong("unknown key or wrong type: " + std::string(key));
    for (const boost::json::value& element : value.get_array()) {
      Result<Entry> entry = read_entry(element);
      if (!entry.ok()) return entry.error();
      if (key == "script") {
        faults.script.push_back(entry->scripted);
      } else {
        faults.random.push_back({entry->scripted.target, entry->rate, entry->scripted.fault});
      }
    }
  }
  return faults;
}

void FaultPlan::set(Faults faults) {
  faults_ = std::move(faults);
  random_ = Random(faults_.seed);
}

void FaultPlan::add(ScriptedFault fault) {
  faults_.script.push_back(std::move(fault));
}

std::optional<Fault> FaultPlan::next(std::string_view stream, std::string_view path) {
  std::optional<Fault> met;
  for (ScriptedFault& scripted : faults_.script) {
    if (!hits(scripted.target, stream, path)) continue;
    if (scripted.skip > 0) {
      --scripted.skip;
    } else if (!met && scripted.times > 0) {
      --scripted.times;
      met = scripted.fault;
    }
  }
  // Chance is asked for every request, so that a script does not shift what follows it.
  for (const RandomFault& chance : faults_.random) {
    if (!hits(chance.target, stream, path)) continue;
    const bool strikes = random_.unit() < chance.rate;
    if (strikes && !met) met = chance.fault;
  }
  return met;
}

}  // namespace auditferry
