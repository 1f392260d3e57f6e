#pragma once
// The far end of a scripted exporter: what it has taken, and how it behaves at the moment. It outlives every
// process. The exporter in front of it is made anew with each.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/exporter.h"
#include "exporters/catalog.h"
#include "tests/simulation/trace.h"

namespace auditferry::simulation {

enum class Mood {
  good,
  slow,          // confirms after seconds
  lost_answers,  // takes the batch, and the confirmation never arrives
  partial,       // takes the first half, then fails
  refusing,      // refuses everything for a while, whatever it is
  pausing,       // an operator must act
  hanging,       // nothing comes back for minutes
  busy,          // says when to come again
};
constexpr int mood_count = 8;
const char* name_of(Mood mood);

struct FarEnd {
  std::string name;
  WriteLimits limits;
  bool names_the_poison = true;  // else it refuses the batch as a whole
  std::uint64_t poison_in = 0;   // one record of so many is refused for good; 0: none
  Mood mood = Mood::good;

  struct Taken {
    std::string id;
    std::uint64_t times = 0;
    bool confirmed = false;  // the exporter was told so, and has not lost that since
  };
  std::map<std::uint64_t, Taken> taken;  // by seq
  std::uint64_t confirmed = 0;           // how many the exporter was told of, ever
  std::map<std::uint64_t, std::uint64_t> refused;  // by seq: `confirmed` when it was first refused
  std::vector<std::string> complaints;   // what breaks the promise

  bool is_poison(std::uint64_t seq) const { return poison_in > 0 && (seq * 2654435761u) % poison_in == 0; }
  void take(std::uint64_t seq, const std::string& id);
  void confirm(std::uint64_t seq);
  void refuse(std::uint64_t seq) { refused.emplace(seq, confirmed); }
  // A new process begins: what lies beyond its durable position may come again.
  void begin_at(std::uint64_t position);
};

// What a scripted exporter needs besides ExporterWorld; outlives it.
struct SinkWorld {
  Trace& trace;
  Random& random;
  const bool& dead;  // the process has died: nothing leaves it any more
};

std::unique_ptr<Exporter> make_scripted_sink(FarEnd& far_end, SinkWorld world, ExporterWorld exporter_world);

}  // namespace auditferry::simulation
