-- The tables of schema version 1 as the first release made them. Not to be edited: the tests of migrations begin here,
-- whatever becomes of storage/schema.cc.
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN;
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

INSERT INTO meta(key, value) VALUES ('epoch', '0123456789abcdef'), ('last_seq', 0), ('ended_cleanly', 1);
PRAGMA user_version = 1;
COMMIT;
