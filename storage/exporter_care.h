#pragma once
// What a person does about exporters. Calls for the storage thread.

#include <cstdint>
#include <string>

#include "core/result.h"
#include "storage/journal.h"

namespace auditferry {

// Position, books, state and dead letters go on under the new name, with a row in the ledger.
// ErrorKind::not_found: there is no such exporter; invalid: the new name is another one's.
Status rename_exporter(Journal& journal, const std::string& name, const std::string& new_name, const std::string& by,
                       WallTime now);

// The two steps of forgetting an exporter that is not attached. ErrorKind::not_found: there is none of that
// name; invalid: it is attached.
// Gives up some of its dead letters; how many. Zero: there are no more.
Result<std::uint64_t> drop_dead_letters(Journal& journal, const std::string& name);
// Removes the exporter with its state and accepts its gaps; the ledger says what it never got. How many
// records that were.
Result<std::uint64_t> drop_exporter(Journal& journal, const std::string& name, std::uint64_t dropped_letters,
                                    const std::string& by, WallTime now);

}  // namespace auditferry
