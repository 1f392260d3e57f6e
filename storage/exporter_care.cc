#include "storage/exporter_care.h"

#include "encoding/json_object.h"
#include "storage/journal_parts.h"

namespace auditferry {
namespace {

// Bounds of one transaction.
constexpr std::int64_t letters_per_step = 200;

std::optional<ExporterRow> find_row(ExporterTable& exporters, const std::string& name) {
  for (ExporterRow& row : exporters.load_all()) {
    if (row.name == name) return std::move(row);
  }
  return std::nullopt;
}

Error no_such(const std::string& name) {
  return Error{ErrorKind::not_found, "the journal knows no exporter \"" + name + "\": see 'auditferry exporter list'"};
}

Error in_use(const std::string& name) {
  return Error{ErrorKind::invalid, "exporter \"" + name + "\" is in use: remove it from the configuration (or set enabled = false) and restart the "
                                   "daemon first"};
}

}  // namespace

Status rename_exporter(Journal& journal, const std::string& name, const std::string& new_name, const std::string& by, WallTime now) {
  Journal::Parts& parts = journal.parts();
  return in_transaction(parts, [&]() -> Status {
    const std::optional<ExporterRow> row = find_row(parts.exporters, name);
    if (!row) return no_such(name);
    if (find_row(parts.exporters, new_name)) {
      return Error{ErrorKind::invalid, "there is an exporter \"" + new_name + "\" already, with a position of its own: choose another name, or remove "
                                       "that one from the configuration and forget it first ('auditferry exporter forget')"};
    }
    Statement rename(*parts.database, "UPDATE exporter SET name = ? WHERE exporter_id = ?");
    rename.run(new_name, row->exporter_id);
    JsonObject detail;
    detail.text("exporter", name).text("new_name", new_name).number("position", row->books.position).text("by", by);
    parts.ledger.append(0, now, "exporter renamed", detail.finish());
    return {};
  });
}

Result<std::uint64_t> drop_dead_letters(Journal& journal, const std::string& name) {
  Journal::Parts& parts = journal.parts();
  return in_transaction(parts, [&]() -> Result<std::uint64_t> {
    const std::optional<ExporterRow> row = find_row(parts.exporters, name);
    if (!row) return no_such(name);
    if (row->attached) return in_use(name);
    Statement drop(*parts.database, "DELETE FROM dead_letter WHERE dead_letter_id IN (SELECT dead_letter_id FROM dead_letter WHERE exporter_id = ? "
                                      "ORDER BY dead_letter_id LIMIT ?)");
    drop.run(row->exporter_id, letters_per_step);
    const std::int64_t dropped = parts.database->changes();
    Statement settle(*parts.database, "UPDATE exporter SET dead = dead - ?2, discarded = discarded + ?2 WHERE exporter_id = ?1");
    settle.run(row->exporter_id, dropped);
    return static_cast<std::uint64_t>(dropped);
  });
}

Result<std::uint64_t> drop_exporter(Journal& journal, const std::string& name, std::uint64_t dropped_letters, const std::string& by,
                                    WallTime now) {
  Journal::Parts& parts = journal.parts();
  return in_transaction(parts, [&]() -> Result<std::uint64_t> {
    const std::optional<ExporterRow> row = find_row(parts.exporters, name);
    if (!row) return no_such(name);
    if (row->attached) return in_use(name);
    const std::uint64_t waiting = row->books.waiting(parts.last_seq);
    JsonObject detail;
    detail.text("exporter", name).text("type", row->type).number("position", row->books.position).number("last_seq", parts.last_seq);
    detail.number("delivered", row->books.delivered).number("never_got", waiting).number("dead_letters", dropped_letters).text("by", by);
    parts.ledger.append(0, now, "exporter forgotten", detail.finish());
    Statement settle_gaps(*parts.database, "UPDATE gap SET state = 'accepted', accepted_by = ?, reason = ?, changed = ? WHERE exporter_id = ? AND "
                                             "state = 'open'");
    settle_gaps.run(by, "exporter " + name + " was forgotten", to_micros(now), row->exporter_id);
    for (const char* sql : {"DELETE FROM exporter_state WHERE exporter_id = ?", "DELETE FROM exporter WHERE exporter_id = ?"}) {
      Statement remove(*parts.database, sql);
      remove.run(row->exporter_id);
    }
    return waiting;
  });
}

}  // namespace auditferry
