#include "core/record.h"

#include <algorithm>

namespace auditferry {
namespace {

bool is_decimal(std::string_view id) {
  if (id.empty() || (id.size() > 1 && id.front() == '0')) return false;
  return std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool id_less(std::string_view a, std::string_view b) {
  const bool a_decimal = is_decimal(a);
  const bool b_decimal = is_decimal(b);
  if (a_decimal != b_decimal) return a_decimal;
  if (a_decimal && a.size() != b.size()) return a.size() < b.size();
  return a < b;
}

}  // namespace auditferry
