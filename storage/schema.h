#pragma once
// The tables of the journal and how older files become newer ones. docs/journal.md describes them for
// people who look inside with the sqlite3 program.

#include <string>

#include "core/result.h"
#include "storage/sqlite.h"

namespace auditferry {

inline constexpr int schema_version = 5;

// Sets the connection's pragmas, creates the tables of an empty file, or migrates an older one step by
// step, each step one transaction. A newer file is refused. Throws SqliteFailure.
void prepare_schema(Database& database);

// For readers beside a running daemon: checks the version only. An older file is refused too.
void check_schema(Database& database);

// Sixteen hexadecimal digits. Throws SqliteFailure.
std::string random_epoch();

// An empty file becomes a journal as an older release wrote it; for tests of the migrations.
void create_schema_of_version(Database& database, int version);

}  // namespace auditferry
