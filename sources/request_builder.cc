#include "sources/request_builder.h"

#include <algorithm>
#include <array>

#include "encoding/hash.h"
#include "encoding/json_text.h"
#include "encoding/json_view.h"
#include "encoding/secret_mask.h"
#include "encoding/time_format.h"
#include "sources/template.h"
#include "encoding/url.h"

namespace auditferry {
namespace {

// Rounds down, or up when `up`.
std::int64_t in_steps(WallTime time, Duration step, bool up) {
  const std::int64_t micros = to_micros(time);
  std::int64_t steps = micros / step.count();
  const std::int64_t rest = micros % step.count();
  if (rest < 0) --steps;
  if (up && rest != 0) ++steps;
  return steps;
}

TemplateValue time_value(WallTime time, TimeUnit unit, bool up) {
  const Duration step = unit_step(unit);
  const std::int64_t steps = in_steps(time, step, up);
  if (unit != TimeUnit::rfc3339) {
    const std::string text = std::to_string(steps);
    return {text, text, text};
  }
  TemplateValue value = text_value(format_rfc3339(WallTime(step * steps)));
  value.whole_second =
      format_rfc3339(WallTime(std::chrono::seconds(in_steps(time, std::chrono::seconds(1), up))));
  return value;
}

TemplateValues common_values(const RequestContext& context) {
  TemplateValues values;
  values["tenant"] = text_value(context.tenant);
  values["query"] = text_value(context.query);
  for (const auto& [name, secret] : context.credentials) values[name] = text_value(secret.reveal());
  return values;
}

TemplateValues page_values(const RequestContext& context, const PageRequest& page) {
  TemplateValues values = common_values(context);
  const StreamProfile& stream = *context.stream;
  if (page.from) values["from"] = time_value(*page.from, stream.request_time_unit, false);
  if (page.to) values["to"] = time_value(*page.to, stream.request_time_unit, true);
  values["page_size"] = number_value(page.page_size);
  if (stream.paging == PagingKind::offset) values["offset"] = number_value(page.offset);
  if (stream.paging == PagingKind::page) values["page"] = number_value(page.page);
  if (page.cursor && stream.paging == PagingKind::cursor) {
    TemplateValue cursor = text_value(JsonView(*page.cursor).scalar_text());
    cursor.json = *page.cursor;
    values["cursor"] = std::move(cursor);
  }
  return values;
}

Status set_header(std::vector<HttpHeader>& headers, const std::string& name, std::string value) {
  const bool clean = std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
  });
  if (!clean) {
    return Error{ErrorKind::invalid,
                 "the request header " + name +
                     " would hold a control character; check the setting or the secret that it is made of"};
  }
  const auto same = std::find_if(headers.begin(), headers.end(), [&](const HttpHeader& header) {
    return same_header_name(header.name, name);
  });
  if (same == headers.end()) {
    headers.push_back({name, std::move(value)});
  } else {
    same->value = std::move(value);
  }
  return {};
}

Status add_headers(HttpRequest& request, const RequestContext& context, const TemplateValues& values,
                   bool has_body) {
  std::vector<HttpHeader> headers = {{"Accept", "application/json"}};
  if (has_body) headers.push_back({"Content-Type", "application/json"});
  std::vector<HttpHeader> wanted;
  if (!context.user_agent.empty()) wanted.push_back({"User-Agent", context.user_agent});
  for (const auto& [name, text] : context.profile->headers) {
    std::string value = render_template(text, values);
    // A header without a value is not sent, for example the tenant's before one is known.
    if (!value.empty()) wanted.push_back({name, std::move(value)});
  }
  wanted.insert(wanted.end(), context.headers.begin(), context.headers.end());
  for (HttpHeader& header : wanted) {
    if (Status set = set_header(headers, header.name, std::move(header.value)); !set) return set;
  }
  request.headers = std::move(headers);
  return {};
}

Error bad_base_url(const RequestContext& context) {
  return {ErrorKind::invalid,
          "base_url \"" + context.base_url + "\" is not an absolute http:// or https:// address"};
}

Result<HttpRequest> build(const RequestContext& context, const RequestTemplate& text,
                          const TemplateValues& values) {
  if (!parse_url(context.base_url).ok()) return bad_base_url(context);
  HttpRequest request;
  request.method = text.method;
  request.url = context.base_url;
  while (request.url.ends_with('/')) request.url.pop_back();
  const std::string path = render_template(text.path, values, true);
  if (!path.starts_with('/')) request.url += '/';
  request.url += path;
  const std::string query = build_url_query(text.query, values);
  if (!query.empty()) request.url += (path.find('?') == std::string::npos ? "?" : "&") + query;
  if (text.has_body) request.body = build_json_body(text.body, values);
  if (Status headers = add_headers(request, context, values, text.has_body); !headers)
    return std::move(headers).error();
  return request;
}

// The address of the next page as the vendor gave it.
Result<HttpRequest> build_link(const RequestContext& context, const std::string& link,
                               const TemplateValues& values) {
  const Result<Url> base = parse_url(context.base_url);
  if (!base) return bad_base_url(context);
  HttpRequest request;
  request.method = context.stream->request.method;
  const bool relative = link.starts_with('/') && !link.starts_with("//");
  const std::string origin = (base->origin.tls ? "https://" : "http://") + base->origin.host_header();
  request.url = relative ? origin + link : link;
  const Result<Url> target = parse_url(request.url);
  if (!target || target->origin != base->origin) {
    const std::string where =
        target ? (target->origin.tls ? "https://" : "http://") + target->origin.text() : "no valid address";
    return Error{ErrorKind::invalid,
                 "the link to the next page leads to " + where + ", not to " + origin +
                     " as base_url does; it is not followed, since the credentials would go there"};
  }
  if (context.stream->request.has_body) request.body = build_json_body(context.stream->request.body, values);
  if (Status headers = add_headers(request, context, values, context.stream->request.has_body); !headers) {
    return std::move(headers).error();
  }
  return request;
}

// True for fields that say where in the log a request reads, not which log.
bool is_position(const TemplateField& field) {
  if (field.is_literal) return false;
  const Result<Template> parsed = Template::parse(field.text);
  if (!parsed || !parsed->has_placeholders()) return false;
  constexpr std::array<std::string_view, 6> positions = {"from",   "to",     "page_size",
                                                         "cursor", "offset", "page"};
  const std::vector<std::string> names = parsed->names();
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(positions.begin(), positions.end(), name) != positions.end();
  });
}

void append_fields(std::string& out, std::string_view kind, const std::vector<TemplateField>& fields) {
  for (const TemplateField& field : fields) {
    if (is_position(field)) continue;
    append_json_string(out, kind);
    for (const std::string& key : field.path) append_json_string(out, key);
    out += field.is_literal ? "=" : "~";
    append_json_string(out, field.is_literal ? field.literal : field.text);
  }
}

}  // namespace

Result<HttpRequest> build_page_request(const RequestContext& context, const PageRequest& page) {
  if (!context.query.empty() && !uses_placeholder(context.stream->request, "query")) {
    return Error{ErrorKind::invalid, "a query is set for the stream " + context.stream->name +
                                         ", but no field of its request in the profile of " +
                                         context.profile->title +
                                         " uses {query}, so it would narrow nothing: remove it"};
  }
  const TemplateValues values = page_values(context, page);
  if (context.stream->paging == PagingKind::link && page.cursor)
    return build_link(context, *page.cursor, values);
  return build(context, context.stream->request, values);
}

Result<HttpRequest> build_probe_request(const RequestContext& context) {
  if (!context.profile->probe)
    return Error{ErrorKind::unsupported, "the profile of " + context.profile->title + " has no probe"};
  return build(context, *context.profile->probe, common_values(context));
}

Result<HttpRequest> build_plan_request(const RequestContext& context) {
  if (!context.profile->plan_probe) {
    return Error{ErrorKind::unsupported, "the profile of " + context.profile->title + " has no plan_probe"};
  }
  return build(context, context.profile->plan_probe->request, common_values(context));
}

std::vector<Secret> secrets_of(const RequestContext& context) {
  std::vector<Secret> secrets;
  for (const auto& [name, secret] : context.credentials) secrets.push_back(secret);
  const TemplateValues values = common_values(context);
  const auto add = [&](const std::string& text) {
    const Result<Template> parsed = Template::parse(text);
    if (!parsed) return;
    const std::vector<std::string> names = parsed->names();
    const bool secret = std::any_of(names.begin(), names.end(), [&](const std::string& name) { return context.credentials.count(name) > 0; });
    if (secret) add_header_value(secrets, parsed->render(values));
  };
  for (const auto& [name, text] : context.profile->headers) add(text);
  std::vector<const RequestTemplate*> requests;
  if (context.stream) requests.push_back(&context.stream->request);
  if (context.profile->probe) requests.push_back(&*context.profile->probe);
  if (context.profile->plan_probe) requests.push_back(&context.profile->plan_probe->request);
  for (const RequestTemplate* request : requests) {
    for (const std::vector<TemplateField>* fields : {&request->query, &request->body}) {
      for (const TemplateField& field : *fields) {
        if (!field.is_literal) add(field.text);
      }
    }
  }
  return secrets;
}

std::string request_fingerprint(const RequestContext& context) {
  const StreamProfile& stream = *context.stream;
  // Quoted strings one after the other: no two different requests make the same text. The leading word
  // is the version of this recipe; changing the recipe begins all coverage anew.
  std::string text = "fingerprint-1";
  for (const std::string& part :
       {context.profile->vendor, stream.name, context.tenant, context.query, stream.request.method,
        stream.request.path, stream.records, stream.fields.id, stream.fields.time,
        std::string(to_string(stream.time_unit)), std::string(to_string(stream.request_time_unit))}) {
    append_json_string(text, part);
  }
  append_fields(text, "query", stream.request.query);
  append_fields(text, "body", stream.request.body);
  return hex(sha256(text));
}

}  // namespace auditferry
