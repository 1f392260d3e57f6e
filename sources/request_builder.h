#pragma once
// Turns a profile's templates into requests.

#include <map>
#include <string>
#include <vector>

#include "core/http_client.h"
#include "core/page.h"
#include "core/profile.h"
#include "core/result.h"
#include "core/secret.h"

namespace auditferry {

// What is asked, of whom, as whom. The profiles outlive it; `stream` may be a copy in which settings of
// the source replace the profile's values (time_unit, page_size, id ...).
struct RequestContext {
  const Profile* profile = nullptr;
  const StreamProfile* stream = nullptr;  // not needed for the probes
  std::string base_url;                   // with or without a slash at the end
  std::string tenant;
  std::map<std::string, Secret> credentials;
  std::vector<HttpHeader> headers;  // the user's; each replaces the profile's header of that name
  std::string user_agent;
  std::string query;  // as it is to be sent: the source's, or the stream's default_query
};

// The request for one page. {cursor}, {from}, {to}, {offset} and {page} come from `page`; `from` is
// rounded down and `to` up to the unit of the request. With paging by link a cursor is the address that is
// asked. Errors (ErrorKind::invalid): a link to another scheme, host or port than the base URL, since the
// credentials would go there; a header value with a line break; a base URL that is none; a query for a
// stream whose request has no {query}.
Result<HttpRequest> build_page_request(const RequestContext& context, const PageRequest& page);

// The profile's safe probe, and the one that tells the tenant's plan. ErrorKind::unsupported when the
// profile has none.
Result<HttpRequest> build_probe_request(const RequestContext& context);
Result<HttpRequest> build_plan_request(const RequestContext& context);

// What no message about an answer may repeat: the credentials, and every text of a request that is made of
// them, above all the value of the header Authorization.
std::vector<Secret> secrets_of(const RequestContext& context);

// Hex SHA-256 over what decides which log is asked for and how its records are understood: method, path,
// stream, query, tenant, the request's fields, the pointers to records, id and time, the time units.
// Page sizes, cursors, times, headers and credentials are not in it, nor is the base URL.
std::string request_fingerprint(const RequestContext& context);

}  // namespace auditferry
