#pragma once
// By which a dead letter is known to be as it was stored: evidence that was altered is not sent.

#include <cstdint>
#include <string_view>

#include "core/record.h"
#include "encoding/hash.h"
#include "storage/sqlite.h"

namespace auditferry {

// Of everything in the letter's row that does not change: `bytes` as they were refused, and the record itself in `payload`.
ShortHash letter_hash(std::uint64_t seq, const StreamIdentity& identity, std::string_view bytes, std::string_view payload);

// Schema version 6: gives the letters of older versions their hash.
void hash_letters(Database& database);

}  // namespace auditferry
