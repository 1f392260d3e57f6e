#pragma once
// Journals as the first release wrote them, for the tests of migrations. They come from files that nobody edits, not
// from the program as it is today, which could then change how it reads them without a test that notices.

#include <fstream>
#include <iterator>
#include <string>

#include "storage/sqlite.h"

namespace auditferry {

inline std::string old_sql(const std::string& name) {
  std::ifstream file(AUDITFERRY_SOURCE "/storage/testdata/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void make_empty_file_of_version_one(const std::string& path) { Database(path, Database::Mode::create).execute(old_sql("version_1.sql").c_str()); }

// A stream with three records, a gap and an item in quarantine. The exporter "siem" has got two records, and the second
// of three is its dead letter "ab".
inline void make_file_of_version_one(const std::string& path) {
  make_empty_file_of_version_one(path);
  Database(path, Database::Mode::create).execute(old_sql("version_1_rows.sql").c_str());
}

}  // namespace auditferry
