#include "daemon/page_table.h"

#include "daemon/html.h"

namespace auditferry {

PageTable::PageTable(std::string caption, std::vector<std::string> head) : caption_(std::move(caption)), head_(std::move(head)) {}

void PageTable::row(std::vector<std::string> cells) {
  rows_ += "<tr role=\"row\">";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string label = " data-label=\"" + escape_html(head_[i]) + "\">";
    rows_ += i == 0 ? "<th scope=\"row\" role=\"rowheader\"" + label + cells[i] + "</th>" : "<td role=\"cell\"" + label + "<span>" + cells[i] + "</span></td>";
  }
  rows_ += "</tr>\n";
}

std::string PageTable::html() const {
  if (rows_.empty()) return {};
  std::string html = "<table role=\"table\"><caption>" + escape_html(caption_) + "</caption><thead role=\"rowgroup\"><tr role=\"row\">";
  for (const std::string& name : head_) html += "<th scope=\"col\" role=\"columnheader\">" + escape_html(name) + "</th>";
  return html + "</tr></thead><tbody role=\"rowgroup\">\n" + rows_ + "</tbody></table>";
}

}  // namespace auditferry
