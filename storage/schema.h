#pragma once
// The tables of the journal and how older files become newer ones. docs/journal.md describes them for
// people who look inside with the sqlite3 program.

#include <atomic>
#include <cstdint>
#include <string>

#include "core/result.h"
#include "storage/sqlite.h"

namespace auditferry {

inline constexpr int schema_version = 6;

// What a file without tables was before it was opened. An empty file that is brought up as a journal bears a mark,
// Journal::note_empty_file.
enum class SchemaOrigin { new_file, empty_file };

// Sets the connection's pragmas, creates the tables of an empty file, or migrates an older one step by
// step, each step one transaction, which raises `progress` (null: nobody asks). A newer file is refused. Throws
// SqliteFailure.
void prepare_schema(Database& database, SchemaOrigin origin = SchemaOrigin::new_file, std::atomic<std::uint64_t>* progress = nullptr);

// For readers beside a running daemon: checks the version only. An older file is refused too.
void check_schema(Database& database);

// Sixteen hexadecimal digits. Throws SqliteFailure.
std::string random_epoch();

// Brings an older file up to `version` and no further; for tests of the migrations.
void migrate_schema(Database& database, int version);

}  // namespace auditferry
