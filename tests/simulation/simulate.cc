#include "tests/simulation/simulate.h"

#include "tests/simulation/oracle.h"
#include "tests/simulation/weather.h"

namespace auditferry::simulation {
namespace {

// Nothing may need longer than this once the weather is calm.
constexpr Duration patience = std::chrono::hours(3);
// Then overlap and rereads have been over everything.
constexpr Duration aftermath = std::chrono::minutes(40);

// A process from its start to its end or death.
void live(World& world) {
  Random& random = world.random;
  if (random.below(6) == 0) world.sqlite.crash_at(1 + random.below(300));
  world.begin();
  for (std::uint64_t segments = 1 + random.below(4); segments > 0 && world.alive(); --segments) {
    change_weather(world);
    const Duration duration = std::chrono::seconds(20 + random.below(random.below(3) == 0 ? 1200 : 240));
    let_records_come(world, duration);
    world.run(duration);
  }
  if (!world.alive()) return;
  if (random.below(2) == 0) {
    world.end();
    world.trace.hit("restart in order");
  } else {
    world.die("death at an await");
  }
}

void wait_until_caught_up(World& world) {
  const WallTime until = world.portal_time();
  const Duration end = world.loop.clock().slept() + patience;
  std::string why_not;
  while (!world.caught_up(until, why_not)) {
    if (world.loop.clock().slept() > end) return world.complain("in calm weather for hours, and still: " + why_not);
    // A record that is refused waits for a neighbour that is accepted, and sooner or later a portal makes one; an
    // exporter may have selected one stream only.
    if (why_not.find("nothing else was accepted since") != std::string::npos) {
      for (const char* log : {"audit", "device"}) world.portal->add(log, world.portal_time());
    }
    world.run(std::chrono::minutes(1));
  }
}

// The portal forgets while nobody looks. Excluded (a known limit, docs/guarantees.md): that it forgets what a
// history has not come to yet, and that it forgets again before the hole of the first time is closed. So the
// program catches up before, no other long stop follows, and no query comes back whose history is unfinished.
// `everything` includes all of it.
void stop_beyond_retention(World& world, bool everything) {
  if (!everything) {
    world.configuration.query_may_change = false;
    calm_weather(world);
    world.begin();
    if (!world.alive()) return world.complain("the program does not start in calm weather");
    let_records_come(world, std::chrono::minutes(2));
    world.run(std::chrono::minutes(3));
    wait_until_caught_up(world);
    if (world.random.below(2) == 0) {
      world.end();
    } else {
      world.die("death at an await");
    }
  }
  world.trace.hit("stop beyond retention");
  const Duration retention = std::chrono::hours(20) + world.random.jitter(std::chrono::hours(10));
  world.set_retention(retention);
  if (world.random.below(2) == 0) world.configuration.retention = std::chrono::hours(20);
  const Duration stop = retention + std::chrono::hours(5 + world.random.below(30));
  let_records_come(world, stop);
  world.stand_still(stop);
}

void between_lives(World& world, bool everything, bool& forgets) {
  Random& random = world.random;
  if (random.below(3) == 0) world.trace.hit(change_configuration(world.configuration, random));
  if (random.below(4) != 0 || (forgets && !everything)) return;
  if (random.below(2) == 0) {
    forgets = true;
    return stop_beyond_retention(world, everything);
  }
  const Duration stop = std::chrono::hours(1 + random.below(60));
  world.trace.hit("long stop");
  let_records_come(world, stop);
  world.stand_still(stop);
}

void quiet(World& world) {
  calm_weather(world);
  if (!world.alive()) world.begin();
  if (!world.alive()) return world.complain("the program does not start in calm weather");
  // Far ends that came into being just now are in a good mood, too.
  calm_weather(world);
  let_records_come(world, std::chrono::minutes(5));
  world.run(std::chrono::minutes(6));
  wait_until_caught_up(world);
  world.run(aftermath);
  wait_until_caught_up(world);
  world.end();
}

}  // namespace

Outcome simulate(std::uint64_t seed, bool loud, bool everything) {
  World world(seed, loud);
  world.configuration.audit_is_reread = world.random.below(2) == 0;
  for (const char* log : logs) world.portal->make(log, 30, world.portal_time() - std::chrono::hours(7), world.portal_time());
  bool forgets = false;
  const std::uint64_t lives = 2 + world.random.below(4);
  for (std::uint64_t i = 0; i < lives && world.complaints.empty(); ++i) {
    live(world);
    if (world.complaints.empty()) between_lives(world, everything, forgets);
  }
  if (world.complaints.empty()) quiet(world);
  world.judges_limits = everything;
  if (world.complaints.empty()) judge(world);
  count_faults(world);
  return Outcome{world.trace.hash(), world.trace.hits(), world.complaints, world.trace.tail()};
}

}  // namespace auditferry::simulation
