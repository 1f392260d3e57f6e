#include "storage/letter_hash.h"

#include <string>

namespace auditferry {

ShortHash letter_hash(std::uint64_t seq, const StreamIdentity& identity, std::string_view bytes, std::string_view payload) {
  std::string all;
  all.reserve(128 + bytes.size() + payload.size());
  all += std::to_string(seq);
  // Each part with its length before it, so that no byte can move from one to the next.
  for (const std::string_view part : {std::string_view(identity.vendor), std::string_view(identity.tenant), std::string_view(identity.stream), bytes, payload}) {
    all += ' ';
    all += std::to_string(part.size());
    all += ' ';
    all += part;
  }
  return short_hash(all);
}

void hash_letters(Database& database) {
  Statement next(database, "SELECT dead_letter_id, seq, vendor, tenant, stream, record, payload FROM dead_letter WHERE dead_letter_id > ? ORDER BY "
                           "dead_letter_id LIMIT 1");
  Statement set(database, "UPDATE dead_letter SET hash = ? WHERE dead_letter_id = ?");
  for (std::int64_t id = 0; next.query(id).step();) {
    id = next.integer(0);
    const StreamIdentity identity{std::string(next.text(2)), std::string(next.text(3)), std::string(next.text(4))};
    const ShortHash hash = letter_hash(static_cast<std::uint64_t>(next.integer(1)), identity, next.blob(5), next.blob(6));
    next.reset();
    set.run(Statement::Blob{bytes_of(hash)}, id);
  }
}

}  // namespace auditferry
