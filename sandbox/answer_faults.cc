// How each fault looks on the wire.
#include <zlib.h>

#include <algorithm>

#include "core/check.h"
#include "encoding/base64.h"
#include "encoding/compress.h"
#include "sandbox/portal_state.h"
#include "sandbox/time_text.h"

namespace auditferry {
namespace {

// `now` by the portal's own clock, which its Date shows.
std::string retry_after_text(const std::string& given, WallTime now) {
  constexpr std::string_view date = "date:";
  if (!given.starts_with(date)) return given;
  return http_date(now + std::chrono::seconds(std::stoll(given.substr(date.size()))));
}

std::string zlib_text(const std::string& body) {
  uLongf bytes = compressBound(body.size());
  std::string out(bytes, '\0');
  const int result = compress2(reinterpret_cast<Bytef*>(out.data()), &bytes,
                               reinterpret_cast<const Bytef*>(body.data()), body.size(), 1);
  AUDITFERRY_CHECK(result == Z_OK);
  out.resize(bytes);
  return out;
}

// Where to spoil the first record: inside its raw_data if it has one, inside GitHub's actor (the string before it is the
// id), else inside its first string value.
std::size_t inside_a_string(const std::string& body) {
  for (const std::string_view mark : {std::string_view("\"raw_data\":\""), std::string_view("\"actor\":\""), std::string_view("\":\"")}) {
    const std::size_t found = body.find(mark);
    if (found != std::string::npos) return found + mark.size();
  }
  return std::string::npos;
}

void insert_into_string(PortalAnswer& answer, std::string_view bytes) {
  const std::size_t at = inside_a_string(answer.body);
  if (at != std::string::npos) answer.body.insert(at, bytes);
}

void nest_deeply(const Fault& fault, PortalAnswer& answer) {
  const std::size_t depth = fault.bytes > 0 ? fault.bytes : 100'000;
  const std::size_t record = answer.body.find('{', answer.body.find('['));
  if (record == std::string::npos) return;
  answer.body.insert(record + 1, "\"nested\":" + std::string(depth, '[') + std::string(depth, ']') + ",");
}

void remove_a_comma(PortalAnswer& answer) {
  const std::size_t comma = answer.body.find(',', answer.body.size() / 2);
  const std::size_t at = comma == std::string::npos ? answer.body.find(',') : comma;
  if (at == std::string::npos) {
    answer.body += '}';
  } else {
    answer.body[at] = ' ';
  }
}

// White space before the page, in pieces, then the page.
void make_huge(const Fault& fault, PortalAnswer& answer) {
  const std::uint64_t bytes = fault.bytes > 0 ? fault.bytes : 2ULL << 30;
  answer.total_bytes = bytes + answer.body.size();
  auto left = std::make_shared<std::uint64_t>(bytes);
  auto page = std::make_shared<std::string>(std::move(answer.body));
  answer.body.clear();
  answer.more = [left, page](std::string& out) {
    constexpr std::uint64_t piece = 256u << 10;
    if (*left > 0) {
      const std::uint64_t now = std::min(*left, piece);
      out.append(now, ' ');
      *left -= now;
      return true;
    }
    if (page->empty()) return false;
    out += *page;
    page->clear();
    return true;
  };
}

void cut(const Fault& fault, AnswerTransport::End end, PortalAnswer& answer) {
  const std::uint64_t all = answer.body.size();
  const std::uint64_t wanted = fault.bytes > 0 ? fault.bytes : all / 2;
  answer.transport.cut_after = all == 0 ? 0 : std::min(wanted, all - 1);
  answer.transport.end = end;
}

PortalAnswer limited(PortalState& state, const Fault& fault, const std::string& credential, WallTime now) {
  const int status = fault.status == 403 ? 403 : 429;
  PortalAnswer answer =
      fault.body.empty() ? error_answer(status, "rate limit exceeded") : json_answer(status, fault.body);
  if (!fault.retry_after.empty())
    answer.headers.push_back({"Retry-After", retry_after_text(fault.retry_after, now + state.options.date_offset)});
  if (fault.penalty.count() > 0) state.penalties[credential] = {now + fault.penalty, status};
  return answer;
}

PortalAnswer with_status(const PortalState& state, const Fault& fault, WallTime now) {
  PortalAnswer answer = error_answer(fault.status, "sandbox fault " + std::to_string(fault.status));
  if (!fault.body.empty()) answer.body = fault.body;
  if (!fault.retry_after.empty())
    answer.headers.push_back({"Retry-After", retry_after_text(fault.retry_after, now + state.options.date_offset)});
  return answer;
}

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
}

PortalAnswer echo(const Fault& fault, const std::string& authorization) {
  const Result<std::string> credential = base64_decode(std::string_view(authorization).substr(authorization.find(' ') + 1));
  PortalAnswer answer = json_answer(
      fault.status, fault.body.empty() ? R"json({"error":"invalid token <{credential}> ({authorization})"})json" : fault.body);
  replace_all(answer.body, "{authorization}", authorization);
  replace_all(answer.body, "{credential}", credential.ok() ? *credential : std::string());
  answer.headers.insert(answer.headers.begin(), {"X-Request-Id", authorization});
  return answer;
}

PortalAnswer html_page(const Fault& fault) {
  PortalAnswer answer;
  answer.headers.push_back({"Content-Type", "text/html"});
  answer.body =
      fault.body.empty() ? "<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>" : fault.body;
  return answer;
}

}  // namespace

std::optional<PortalAnswer> answer_instead(PortalState& state, const Fault& fault,
                                           const std::string& credential, WallTime now) {
  PortalAnswer answer;
  switch (fault.kind) {
    case FaultKind::status:
      answer = with_status(state, fault, now);
      break;
    case FaultKind::rate_limited:
      answer = limited(state, fault, credential, now);
      break;
    case FaultKind::echo:
      answer = echo(fault, credential);
      break;
    case FaultKind::success_false:
      answer =
          json_answer(200, fault.body.empty() ? R"({"success":false,"error":"sandbox fault"})" : fault.body);
      break;
    case FaultKind::html:
      answer = html_page(fault);
      break;
    case FaultKind::empty_body:
      answer = json_answer(200, "");
      break;
    case FaultKind::refuse:
      answer.transport.refuse = true;
      break;
    case FaultKind::hang:
      answer.transport.hang = true;
      break;
    case FaultKind::expire_cursors:
      state.cursors.expire_all();
      return std::nullopt;
    default:
      return std::nullopt;
  }
  answer.headers.insert(answer.headers.end(), fault.headers.begin(), fault.headers.end());
  answer.transport.delay = fault.delay;
  return answer;
}

void spoil(const Fault& fault, PortalAnswer& answer) {
  answer.headers.insert(answer.headers.end(), fault.headers.begin(), fault.headers.end());
  answer.transport.delay = fault.delay;
  switch (fault.kind) {
    case FaultKind::truncated:
      answer.body.resize(
          std::min<std::size_t>(fault.bytes > 0 ? fault.bytes : answer.body.size() / 2, answer.body.size()));
      break;
    case FaultKind::cut:
      cut(fault, AnswerTransport::End::close, answer);
      break;
    case FaultKind::reset:
      cut(fault, AnswerTransport::End::reset, answer);
      break;
    case FaultKind::half_close:
      cut(fault, AnswerTransport::End::half_close, answer);
      break;
    case FaultKind::malformed:
      remove_a_comma(answer);
      break;
    case FaultKind::invalid_utf8:
      insert_into_string(answer, "\xff\xc3(");
      break;
    case FaultKind::control_character:
      insert_into_string(answer, "\x01\n");
      break;
    case FaultKind::deep_nesting:
      nest_deeply(fault, answer);
      break;
    case FaultKind::huge_body:
      make_huge(fault, answer);
      break;
    case FaultKind::trickle:
      answer.transport.bytes_per_second = std::max<std::uint64_t>(fault.bytes, 1);
      break;
    case FaultKind::gzip:
      answer.body = gzip_compress(answer.body);
      answer.headers.push_back({"Content-Encoding", "gzip"});
      break;
    case FaultKind::deflate:
      answer.body = zlib_text(answer.body);
      answer.headers.push_back({"Content-Encoding", "deflate"});
      break;
    default:
      break;
  }
}

}  // namespace auditferry
