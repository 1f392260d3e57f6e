#include "storage/penalty_table.h"

#include <limits>

namespace auditferry {

void put_penalty(Database& database, const Penalty& penalty) {
  Statement put(database,
                "INSERT INTO penalty(host, credential, until, why) VALUES (?, ?, ?, ?) ON CONFLICT(host, credential) DO UPDATE SET "
                "until = max(until, excluded.until), why = excluded.why");
  put.run(penalty.host, penalty.credential, to_micros(penalty.until), penalty.why);
}

std::vector<Penalty> load_penalties(Database& database, std::optional<WallTime> now) {
  Statement statement(database, "SELECT host, credential, until, why FROM penalty WHERE until > ?");
  std::vector<Penalty> penalties;
  statement.query(now ? to_micros(*now) : std::numeric_limits<std::int64_t>::min());
  while (statement.step()) {
    penalties.push_back({std::string(statement.text(0)), std::string(statement.text(1)), from_micros(statement.integer(2)),
                         std::string(statement.text(3))});
  }
  return penalties;
}

}  // namespace auditferry
