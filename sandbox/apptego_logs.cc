// The two log queries of the AppTego Management API, in the shape that we assume.
#include <algorithm>
#include <boost/json.hpp>
#include <limits>

#include "encoding/json_text.h"
#include "sandbox/portal_state.h"
#include "sandbox/query.h"

namespace auditferry {
namespace {

struct LogRequest {
  std::string query;
  std::optional<WallTime> from;
  std::optional<WallTime> to;
  std::uint32_t limit = 0;
  std::optional<std::string> cursor;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> page;
};

Error invalid(const std::string& what) {
  return Error{ErrorKind::invalid, what};
}

Result<WallTime> read_time(const boost::json::value& value, TimeUnit unit, std::string_view name) {
  if (!value.is_int64()) return invalid(std::string(name) + " must be an integer");
  const std::int64_t scale = unit == TimeUnit::seconds        ? 1'000'000
                             : unit == TimeUnit::milliseconds ? 1'000
                                                              : 1;
  // Milliseconds taken for seconds lie beyond what we can count: as late as it goes.
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max() / 4;
  const std::int64_t number = std::clamp<std::int64_t>(value.get_int64(), -largest / scale, largest / scale);
  return from_micros(number * scale);
}

Status read_member(const SandboxDialect& dialect, std::string_view key, const boost::json::value& value,
                   LogRequest& request) {
  if (key == "query") {
    if (!value.is_string()) return invalid("query must be a string");
    request.query = std::string(value.get_string());
  } else if (key == "start_time" || key == "end_time") {
    const Result<WallTime> time = read_time(value, dialect.request_time_unit, key);
    if (!time.ok()) return time.error();
    (key == "start_time" ? request.from : request.to) = *time;
  } else if (key == "limit") {
    if (!value.is_int64() || value.get_int64() < 1) return invalid("limit must be a positive integer");
    request.limit = static_cast<std::uint32_t>(std::min<std::int64_t>(value.get_int64(), 1'000'000'000));
  } else if (key == "cursor") {
    if (dialect.cursor_as_number ? !value.is_int64() : !value.is_string())
      return invalid("cursor has the wrong type");
    request.cursor = value.is_string() ? std::string(value.get_string()) : std::to_string(value.get_int64());
  } else if (key == "offset" || key == "page") {
    if (!value.is_int64() || value.get_int64() < 0)
      return invalid(std::string(key) + " must not be negative");
    const auto number = static_cast<std::uint64_t>(value.get_int64());
    if (key == "offset") request.offset = number;
    if (key == "page") request.page = number;
  } else if (dialect.strict_fields) {
    return invalid("unknown field " + std::string(key));
  }
  return {};
}

Result<LogRequest> read_request(const PortalState& state, const std::string& body) {
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(body, error);
  if (error || !parsed.is_object()) return invalid("the body is not a JSON object");
  LogRequest request;
  for (const auto& [key, value] : parsed.get_object()) {
    const Status read =
        read_member(state.options.dialect, std::string_view(key.data(), key.size()), value, request);
    if (!read.ok()) return read.error();
  }
  if (request.limit == 0) request.limit = state.options.default_page;
  request.limit = std::min(request.limit, state.options.page_limit);
  if (request.from && request.to && *request.from > *request.to)
    return invalid("start_time is after end_time");
  const Duration max_window = state.options.dialect.max_window;
  if (max_window.count() > 0 && request.from && request.to && *request.to - *request.from > max_window) {
    return invalid("the range is too long");
  }
  return request;
}

// The range as this server reads it.
void apply_range(const SandboxDialect& dialect, const std::optional<WallTime>& from,
                 const std::optional<WallTime>& to, RecordSelection& selection) {
  if (from && !dialect.ignore_start)
    selection.from = *from + (dialect.exclusive_start ? Duration(1) : Duration(0));
  if (to && !dialect.ignore_end) {
    const Duration unit = dialect.time_unit == TimeUnit::seconds ? Duration(1'000'000) : Duration(1'000);
    selection.to = dialect.exclusive_end ? *to - unit : *to;
  }
}

void append_cursor(const SandboxDialect& dialect, const std::optional<std::string>& cursor,
                   std::string& body) {
  if (!cursor) {
    if (dialect.cursor_end == SandboxCursorEnd::null_value) body += ",\"cursor\":null";
    if (dialect.cursor_end == SandboxCursorEnd::empty_string) body += ",\"cursor\":\"\"";
    return;
  }
  body += ",\"cursor\":";
  if (dialect.cursor_as_number) {
    body += *cursor;
  } else {
    append_json_string(body, *cursor);
  }
}

std::string page_text(const SandboxDialect& dialect, const SelectedRecords& selected) {
  std::size_t bytes = 200;
  for (const SandboxRecord* record : selected.records) bytes += record->json->size() + 1;
  std::string body;
  body.reserve(bytes);
  body += '{';
  append_json_string(body, dialect.array_name);
  body += ":[";
  for (std::size_t i = 0; i < selected.records.size(); ++i) {
    if (i > 0) body += ',';
    body += *selected.records[i]->json;
  }
  body += ']';
  return body;
}

class LogQuery {
 public:
  LogQuery(PortalState& state, PortalStream& stream, std::string_view tenant, LogRequest request,
           RecordFilter filter, WallTime now)
      : state_(state),
        stream_(stream),
        dialect_(state.options.dialect),
        request_(std::move(request)),
        now_(now) {
    owner_ = std::string(tenant) + "/" + stream_name(stream.log) + "/" + request_.query;
    selection_.by_event = dialect_.order_by_event;
    selection_.limit = request_.limit;
    if (filter) {
      selection_.matches = [fits = std::move(filter)](const SandboxRecord& record) {
        return fits(*record.json);
      };
    }
  }

  PortalAnswer answer() {
    if (dialect_.paging != SandboxPaging::cursor) return answer_counted();
    if (!request_.cursor) return answer_page(first_cursor(), std::nullopt);
    SandboxCursor cursor;
    const CursorVerdict verdict = state_.cursors.redeem(*request_.cursor, now_, cursor);
    if (verdict == CursorVerdict::unknown || cursor.owner != owner_)
      return error_answer(400, "invalid cursor");
    if (verdict == CursorVerdict::expired) return answer_expired(cursor);
    return answer_page(cursor, std::nullopt);
  }

 private:
  SandboxCursor first_cursor() {
    SandboxCursor cursor;
    cursor.owner = owner_;
    cursor.from = request_.from;
    cursor.to = request_.to;
    cursor.chain = state_.cursors.new_chain();
    return cursor;
  }

  PortalAnswer answer_expired(SandboxCursor cursor) {
    ++state_.stats.expired_cursors[state_.cursors.options().expired];
    switch (state_.cursors.options().expired) {
      case SandboxExpiredCursor::status_400:
        return error_answer(400, "cursor expired");
      case SandboxExpiredCursor::empty_page: {
        std::string body = page_text(dialect_, {});
        append_cursor(dialect_, std::nullopt, body);
        return json_answer(200, body + "}");
      }
      case SandboxExpiredCursor::first_page:
        cursor.position.reset();
        return answer_page(cursor, std::nullopt);
      case SandboxExpiredCursor::same_cursor:
        return answer_page(cursor, request_.cursor);
    }
    return error_answer(400, "cursor expired");
  }

  // `next` overrides the cursor of the answer.
  PortalAnswer answer_page(SandboxCursor cursor, std::optional<std::string> next) {
    apply_range(dialect_, cursor.from, cursor.to, selection_);
    selection_.beyond = cursor.position;
    const SelectedRecords selected = stream_.records.select(selection_, stream_.oldest(now_));
    const bool full = selected.records.size() == selection_.limit;
    const bool goes_on = selected.more || (dialect_.last_page == SandboxLastPage::when_full && full);
    if (goes_on && !next) {
      cursor.position = RecordPosition{selected.records.back()->created, selected.records.back()->event};
      next = state_.cursors.issue(cursor, now_, dialect_.cursor_as_number);
    }
    std::string body = page_text(dialect_, selected);
    append_cursor(dialect_, next, body);
    body += '}';
    return json_answer(200, std::move(body));
  }

  // Offset and page-number paging: the position is counted from the newest record at this moment.
  PortalAnswer answer_counted() {
    apply_range(dialect_, request_.from, request_.to, selection_);
    const std::uint64_t total = stream_.records.count(selection_, stream_.oldest(now_));
    if (dialect_.paging == SandboxPaging::offset) {
      selection_.skip = request_.offset;
    } else {
      const std::uint64_t page = request_.page.value_or(dialect_.first_page);
      if (page < dialect_.first_page) return error_answer(400, "page is too small");
      selection_.skip = (page - dialect_.first_page) * request_.limit;
    }
    std::string body = page_text(dialect_, stream_.records.select(selection_, stream_.oldest(now_)));
    body += ",\"total\":" + std::to_string(total) + "}";
    return json_answer(200, std::move(body));
  }

  PortalState& state_;
  PortalStream& stream_;
  const SandboxDialect& dialect_;
  LogRequest request_;
  WallTime now_;
  std::string owner_;
  RecordSelection selection_;
};

}  // namespace

PortalAnswer answer_apptego_log(PortalState& state, PortalStream& stream, std::string_view tenant,
                                const PortalRequest& request, WallTime now) {
  Result<LogRequest> read = read_request(state, request.body);
  if (!read.ok()) return error_answer(400, read.error().message);
  Result<RecordFilter> filter = parse_query(read->query, stream.log);
  if (!filter.ok()) return error_answer(400, filter.error().message);
  return LogQuery(state, stream, tenant, std::move(read).value(), std::move(filter).value(), now).answer();
}

}  // namespace auditferry
