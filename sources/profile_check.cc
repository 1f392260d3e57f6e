#include "sources/profile_check.h"

#include "encoding/json_view.h"
#include "sources/template.h"

namespace auditferry::profile_check {
namespace {

void need(TomlTable& table, const StreamProfile& stream, std::string_view name, const std::string& why) {
  if (uses_placeholder(stream.request, name)) return;
  table.error("request", "no field of the request uses {" + std::string(name) + "}, which " + why + " needs");
}

}  // namespace

std::vector<std::string> placeholders(const Profile& profile) {
  std::vector<std::string> names = {"from", "to", "page_size", "cursor", "offset", "page", "query", "tenant"};
  names.insert(names.end(), profile.credentials.begin(), profile.credentials.end());
  return names;
}

void pointer(TomlTable& table, std::string_view key, const std::string& value, bool embedded) {
  if (!is_json_pointer(value)) {
    table.error(key, "\"" + value +
                         "\" is not a JSON pointer: it begins with '/', for example \"/data/items\" (\"\" is "
                         "the whole answer)");
  } else if (!embedded && value.find('#') != std::string::npos) {
    table.error(key, "'#' cannot be used here: this pointer leads through the answer itself");
  }
}

void text_template(TomlTable& table, std::string_view key, const std::string& text,
                   const std::vector<std::string>& known) {
  if (const Status checked = check_template(text, known); !checked) table.error(key, checked.error().message);
}

void stream(TomlTable& table, const StreamProfile& stream) {
  if (stream.page_size > stream.max_page_size) {
    table.error("page_size", "is " + std::to_string(stream.page_size) +
                                 ", more than max_page_size, which is " +
                                 std::to_string(stream.max_page_size));
  }
  need(table, stream, "from", "reading by time");
  if (stream.order == RecordOrder::newest_first) need(table, stream, "to", "order = \"newest_first\"");
  switch (stream.paging) {
    case PagingKind::cursor:
      if (stream.cursor.empty())
        table.error("cursor", "is missing; paging = \"cursor\" needs the pointer to the next cursor");
      need(table, stream, "cursor", "paging = \"cursor\"");
      break;
    case PagingKind::offset: need(table, stream, "offset", "paging = \"offset\""); break;
    case PagingKind::page: need(table, stream, "page", "paging = \"page\""); break;
    case PagingKind::link: break;
  }
  if (stream.next_link_always && stream.paging != PagingKind::link) {
    table.error("next_link_always", "belongs to paging = \"link\" only");
  }
  if (stream.fields.time.empty())
    table.error("fields", "time is missing; every stream needs the pointer to its records' time");
}

}  // namespace auditferry::profile_check
