#pragma once

#include <deque>
#include <string>

#include "core/page.h"
#include "encoding/hash.h"

namespace auditferry {

// Makes pages by hand. Views point into this object.
class PageBuilder {
 public:
  PageBuilder& add(std::string id, WallTime time, std::string raw = "{}") {
    texts_.push_back(std::move(raw));
    PageRecord record;
    record.raw = texts_.back();
    record.id = std::move(id);
    record.time = time;
    record.content = short_hash(texts_.back());
    page_.records.push_back(std::move(record));
    return *this;
  }
  Page& page() { return page_; }

 private:
  std::deque<std::string> texts_;
  Page page_;
};

}  // namespace auditferry
