#include "storage/schema.h"

#include <openssl/rand.h>

#include <array>
#include <string>

#include "storage/letter_hash.h"
#include "storage/quarantine_table.h"

namespace auditferry {
namespace {

// Order matters: page_size and auto_vacuum only take effect before the first table and before WAL.
constexpr const char* before_tables = R"sql(
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
)sql";

// secure_delete FAST overwrites deleted content where that costs no extra write; the rest stays in free
// pages until they are used again (docs/journal.md tells people who care about erasure).
constexpr const char* per_connection = R"sql(
PRAGMA synchronous = FULL;
PRAGMA secure_delete = FAST;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -8192;
PRAGMA temp_store = MEMORY;
)sql";

constexpr const char* version_1 = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- The domain in which ids are unique, with its durable counters (promise 6).
CREATE TABLE stream(
  stream_id INTEGER PRIMARY KEY,
  vendor TEXT NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL,
  source TEXT NOT NULL,                   -- the label last used
  fetched INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0, staged INTEGER NOT NULL DEFAULT 0,
  journaled INTEGER NOT NULL DEFAULT 0, quarantined INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT 0,
  late INTEGER NOT NULL DEFAULT 0,
  newest_time INTEGER,                    -- of any record seen
  UNIQUE(vendor, tenant, name));

-- The domain of coverage: a stream asked for in one way.
CREATE TABLE collection(
  collection_id INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, base_url TEXT NOT NULL, fingerprint TEXT NOT NULL,
  created INTEGER NOT NULL, start_time INTEGER, state TEXT NOT NULL DEFAULT '',
  UNIQUE(stream_id, base_url, fingerprint));

CREATE TABLE coverage(
  collection_id INTEGER NOT NULL, from_time INTEGER NOT NULL, to_time INTEGER NOT NULL, how TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(collection_id, from_time, how)) WITHOUT ROWID;

CREATE TABLE walk(
  walk_id INTEGER PRIMARY KEY AUTOINCREMENT, collection_id INTEGER NOT NULL, how TEXT NOT NULL,
  from_time INTEGER NOT NULL, to_time INTEGER NOT NULL, started INTEGER NOT NULL,
  publishing INTEGER NOT NULL DEFAULT 0,  -- 1: all pages are here, sequence numbers are being given
  covered TEXT NOT NULL DEFAULT '',       -- "from-to,from-to" (µs): what the walk has shown, once publishing
  state TEXT NOT NULL);

-- Written once, with the page's other consequences; body: storage/payload_codec.h.
CREATE TABLE payload(
  payload_id INTEGER PRIMARY KEY AUTOINCREMENT, stream_id INTEGER NOT NULL, records INTEGER NOT NULL,
  received INTEGER NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL);

-- What has no sequence number yet. `published` records from the front of the payload have theirs.
CREATE TABLE staged(
  payload_id INTEGER PRIMARY KEY, walk_id INTEGER NOT NULL, records INTEGER NOT NULL, published INTEGER NOT NULL DEFAULT 0,
  first_time INTEGER NOT NULL, first_id TEXT NOT NULL, last_time INTEGER NOT NULL, last_id TEXT NOT NULL);
CREATE INDEX staged_walk ON staged(walk_id);

-- seq first_seq … first_seq+records-1 are the payload's records from first_index on.
CREATE TABLE publication(
  first_seq INTEGER PRIMARY KEY, records INTEGER NOT NULL, payload_id INTEGER NOT NULL, first_index INTEGER NOT NULL,
  at INTEGER NOT NULL);

-- Time first, so that neighbours in time are neighbours in the tree.
CREATE TABLE identity(
  stream_id INTEGER NOT NULL, time INTEGER NOT NULL, id_hash BLOB NOT NULL, content BLOB NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY(stream_id, time, id_hash)) WITHOUT ROWID;

CREATE TABLE exporter(
  exporter_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL, added_seq INTEGER NOT NULL,
  position INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0,
  discarded INTEGER NOT NULL DEFAULT 0, not_selected INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL DEFAULT 0,
  replayed INTEGER NOT NULL DEFAULT 0, when_full TEXT NOT NULL DEFAULT 'hold', attached INTEGER NOT NULL DEFAULT 1,
  last_error TEXT NOT NULL DEFAULT '', last_delivery INTEGER);
CREATE TABLE exporter_state(
  exporter_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(exporter_id, key)) WITHOUT ROWID;

CREATE TABLE dead_letter(
  dead_letter_id INTEGER PRIMARY KEY AUTOINCREMENT, exporter_id INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
  reason TEXT NOT NULL, record BLOB NOT NULL);

CREATE TABLE gap(
  gap_id INTEGER PRIMARY KEY AUTOINCREMENT, collection_id INTEGER, exporter_id INTEGER, type TEXT NOT NULL,
  from_time INTEGER, to_time INTEGER, from_seq INTEGER, to_seq INTEGER, why TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', opened INTEGER NOT NULL, changed INTEGER NOT NULL);

CREATE TABLE quarantine(
  quarantine_id INTEGER PRIMARY KEY AUTOINCREMENT, stream_id INTEGER NOT NULL, at INTEGER NOT NULL, why TEXT NOT NULL,
  records INTEGER NOT NULL, body BLOB NOT NULL);

-- Hash chains, one per stream and one (chain 0) for the daemon; storage/ledger.h says what is hashed.
CREATE TABLE ledger(
  chain INTEGER NOT NULL, number INTEGER NOT NULL, first_at INTEGER NOT NULL, at INTEGER NOT NULL,
  repeats INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY(chain, number));
CREATE INDEX ledger_at ON ledger(at);

CREATE TABLE penalty(
  host TEXT NOT NULL, credential TEXT NOT NULL, until INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY(host, credential)) WITHOUT ROWID;

CREATE TABLE job(
  job_id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, argument TEXT NOT NULL, state TEXT NOT NULL, progress TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL);
)sql";

// Dead letters can be formatted and delivered again when the journal has let their record go.
// letter_group: the id of the first letter of its group, 0: it stands alone. payload:
// storage/payload_codec.h, one record; empty for letters of version 1.
constexpr const char* version_2 = R"sql(
ALTER TABLE dead_letter ADD COLUMN letter_group INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letter ADD COLUMN vendor TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letter ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letter ADD COLUMN stream TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letter ADD COLUMN payload BLOB NOT NULL DEFAULT x'';
CREATE INDEX dead_letter_exporter ON dead_letter(exporter_id, at);
)sql";

// One and the same thing is in the quarantine once: known by its stream and SHA-256. Without one: a row whose
// body could not be read when the file was brought up to date.
constexpr const char* version_3 = R"sql(
ALTER TABLE quarantine ADD COLUMN sha256 BLOB;
CREATE UNIQUE INDEX quarantine_known ON quarantine(stream_id, sha256);
CREATE INDEX quarantine_at ON quarantine(stream_id, at);
)sql";

// Who accepted a gap and why. How late records came: `step` is that of storage/lateness.h.
constexpr const char* version_4 = R"sql(
ALTER TABLE gap ADD COLUMN accepted_by TEXT NOT NULL DEFAULT '';
ALTER TABLE gap ADD COLUMN reason TEXT NOT NULL DEFAULT '';
CREATE TABLE lateness(
  stream_id INTEGER NOT NULL, step INTEGER NOT NULL, records INTEGER NOT NULL, PRIMARY KEY(stream_id, step)) WITHOUT ROWID;
)sql";

// When a reread found that the portal no longer shows a record; how many there were.
constexpr const char* version_5 = R"sql(
ALTER TABLE identity ADD COLUMN gone INTEGER;
ALTER TABLE stream ADD COLUMN vanished INTEGER NOT NULL DEFAULT 0;
)sql";

// Short hash of a dead letter, storage/letter_hash.h. Null: salvaged from a file that had none.
constexpr const char* version_6 = R"sql(
ALTER TABLE dead_letter ADD COLUMN hash BLOB;
)sql";

struct Migration {
  int version;  // that it leads to
  const char* sql;
  const char* set_version;
  void (*fill)(Database& database);  // what SQL alone cannot do; null: nothing
};

constexpr Migration migrations[] = {
    {2, version_2, "PRAGMA user_version = 2", nullptr},
    {3, version_3, "PRAGMA user_version = 3", mark_quarantine},
    {4, version_4, "PRAGMA user_version = 4", nullptr},
    {5, version_5, "PRAGMA user_version = 5", nullptr},
    {6, version_6, "PRAGMA user_version = 6", hash_letters},
};

// Each step is one transaction, so that a crash leaves a file of one version or the next.
void migrate(Database& database, std::int64_t version, int to, std::atomic<std::uint64_t>* progress) {
  for (const Migration& step : migrations) {
    if (version >= step.version || step.version > to) continue;
    Transaction transaction(database);
    database.execute(step.sql);
    if (step.fill) step.fill(database);
    database.execute(step.set_version);
    transaction.commit();
    if (progress != nullptr) progress->fetch_add(1);
  }
}

void create(Database& database, SchemaOrigin origin) {
  database.execute(before_tables);
  Transaction transaction(database);
  database.execute(version_1);
  const std::string epoch = random_epoch();
  Statement meta(database, "INSERT INTO meta(key, value) VALUES (?, ?)");
  meta.run("epoch", epoch);
  meta.run("last_seq", std::int64_t{0});
  meta.run("ended_cleanly", std::int64_t{1});
  if (origin == SchemaOrigin::empty_file) meta.run("from_empty_file", std::int64_t{1});
  database.execute("PRAGMA user_version = 1");
  transaction.commit();
}

void refuse_newer(Database& database, std::int64_t version) {
  throw SqliteFailure{Error{ErrorKind::unsupported, "the journal " + database.path() + " has schema version " + std::to_string(version) +
                                                        ", this program knows versions up to " + std::to_string(schema_version) +
                                                        "; run the newer auditferry that wrote it"}};
}

}  // namespace

std::string random_epoch() {
  std::array<unsigned char, 8> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw SqliteFailure{Error{ErrorKind::io, "the system gives no random bytes: check /dev/urandom"}};
  }
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

void prepare_schema(Database& database, SchemaOrigin origin, std::atomic<std::uint64_t>* progress) {
  const std::int64_t version = database.query_int("PRAGMA user_version");
  if (version > schema_version) refuse_newer(database, version);
  if (version == 0) {
    if (database.query_int("SELECT count(*) FROM sqlite_master") != 0) {
      throw SqliteFailure{Error{ErrorKind::corrupt, "the file " + database.path() +
                                                        " is a SQLite database but not a journal of auditferry; name another daemon.state_dir"}};
    }
    create(database, origin);
  }
  database.execute(per_connection);
  migrate(database, version == 0 ? 1 : version, schema_version, progress);
}

void check_schema(Database& database) {
  const std::int64_t version = database.query_int("PRAGMA user_version");
  if (version > schema_version) refuse_newer(database, version);
  if (version == 0) {
    throw SqliteFailure{Error{ErrorKind::corrupt, "the file " + database.path() + " is not a journal of auditferry; check daemon.state_dir"}};
  }
  if (version < schema_version) {
    throw SqliteFailure{Error{ErrorKind::unsupported, "the journal " + database.path() + " was written by an older auditferry (schema version " +
                                                          std::to_string(version) + "); start the daemon once, which brings it up to date"}};
  }
}

void migrate_schema(Database& database, int version) { migrate(database, database.query_int("PRAGMA user_version"), version, nullptr); }

}  // namespace auditferry
