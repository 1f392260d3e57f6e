#pragma once

#include <string>
#include <vector>

namespace auditferry {

// A table of the status page, cells given as HTML. The first cell of a row is its heading. On narrow screens the
// style sheet shows rows as cards, each cell with the name of its column before it; the roles keep it a table
// for screen readers then, too.
class PageTable {
 public:
  // Texts, not HTML.
  PageTable(std::string caption, std::vector<std::string> head);
  void row(std::vector<std::string> cells);
  // Nothing when there is no row.
  std::string html() const;

 private:
  std::string caption_;
  std::vector<std::string> head_;
  std::string rows_;
};

}  // namespace auditferry
