#pragma once
// Makes of a stream whose request has a cursor one that counts records or pages.

#include <cstdint>
#include <string>

#include "core/profile.h"

namespace auditferry {

// `kind` is offset or page; `first_page` the number of the first one.
inline void page_by_count(StreamProfile& profile, PagingKind kind, std::uint32_t first_page) {
  const std::string placeholder = kind == PagingKind::offset ? "offset" : "page";
  profile.paging = kind;
  profile.first_page = first_page;
  profile.cursor = "";
  for (TemplateField& field : profile.request.body) {
    if (field.path.front() != "cursor") continue;
    field.path = {placeholder};
    field.text = "{" + placeholder + "}";
  }
}

}  // namespace auditferry
