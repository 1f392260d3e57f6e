#pragma once
// A journal as the first release wrote it, for the tests of migrations.

#include <string>

#include "storage/schema.h"

namespace auditferry {

// The exporter "siem" has got two records, and the second of three is its dead letter "ab".
inline void make_file_of_version_one(const std::string& path) {
  Database database(path, Database::Mode::create);
  create_schema_of_version(database, 1);
  database.execute(
      "INSERT INTO exporter(exporter_id, name, type, added_seq, position, delivered, dead) VALUES (7, 'siem', 'scripted', 0, 3, 2, 1)");
  database.execute("INSERT INTO dead_letter(exporter_id, seq, at, reason, record) VALUES (7, 2, 1000, 'mapping', x'6162')");
  database.execute("UPDATE meta SET value = 3 WHERE key = 'last_seq'");
}

}  // namespace auditferry
