#pragma once
// The SQL-like query language of the portal's logs, as far as the vendor confirms it: comparisons with
// "=", LIKE with "%", joined by AND; single-quoted strings, numbers, true and false.

#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "sandbox/portal_options.h"

namespace auditferry {

// Tells whether the JSON of a record fits.
using RecordFilter = std::function<bool(std::string_view json)>;

// ErrorKind::invalid with the words of the 400 when the query is wrong: unknown column, wrong type of
// value, an operator that does not exist. An empty query fits everything (an empty function).
Result<RecordFilter> parse_query(std::string_view query, SandboxLog log);

}  // namespace auditferry
