#pragma once
// What the exporters over HTTP share: one way to send a request, and one table from errors and statuses to
// verdicts (docs/exporters.md, "What an answer means").

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/exporter.h"
#include "core/http_client.h"
#include "core/peer_settings.h"
#include "core/secret.h"
#include "encoding/secret_mask.h"
#include "exporters/catalog.h"

namespace auditferry {

struct HttpSinkSettings {
  PeerSettings peer;
  std::map<std::string, Secret> headers;  // more headers of every request
  Secret authorization;                   // the value of the header Authorization; empty: none
  // Secrets among the headers above, or used otherwise, that must never be quoted either.
  std::vector<Secret> hidden;
  Duration max_retry_after = std::chrono::hours(24);
};

// Who answered, and which settings lead there: for messages.
struct HttpPeerWords {
  std::string peer;                     // "host:port"
  std::string url_key = "url";          // to correct when nothing is found there
  std::string credential_key = "auth";  // to correct when the credentials are refused
};

// "host:port" of a URL that was checked.
std::string peer_of(const std::string& url);

// 502, 503 and 504: what stands before the far end says that it is not there, or it says so itself.
bool is_out_of_reach(int status);

// Loop thread only. Several sends may be under way at once.
class HttpSink {
 public:
  // What `world` refers to outlives the sink. The client is made at the first request.
  HttpSink(HttpSinkSettings settings, const ExporterWorld& world, std::string exporter);

  // Adds the headers of the settings. The answer, whatever its status, or why there is none; of one that is larger
  // than max_body_bytes the beginning (HttpResponse::cut). Where the far end asks for a client certificate in an
  // answer, that is an error of the connection (ErrorKind::tls).
  Task<Result<HttpResponse>> send(HttpRequest request);
  // The next request uses new connections and reads certificates anew; what is under way is not touched.
  void reopen() { client_.reset(); }

  // No answer: pause when an operator must act (certificate, setting), else retry.
  WriteOutcome judge_error(const Error& error) const;
  // The common table: 2xx delivered; 408, 429, 5xx retry; 400, 413, 422 refused; everything else pause.
  static Verdict verdict_of(int status);
  // The outcome for an answer that means `verdict`, which is not delivered, with words for its status and
  // the far end's own. `far_end`: those, if they could be taken out of the body; else the body is quoted.
  WriteOutcome judge_answer(const HttpResponse& answer, Verdict verdict, const HttpPeerWords& who,
                            std::string_view far_end = {}) const;
  // For an answer of a status that would mean delivered and a body that is not what was asked for.
  WriteOutcome judge_strange_body(const HttpResponse& answer, const HttpPeerWords& who,
                                  std::string_view expected) const;

  // Words of the far end fit for a message: at most 300 bytes, in one line, our secrets replaced by "***".
  std::string quotable(std::string_view far_end) const;
  // Our own words about a connection, which end with what to do: in one line, up to 2 KiB, the secrets replaced.
  std::string words_of(const Error& error) const;
  const HttpSinkSettings& settings() const { return settings_; }

 private:
  std::optional<Duration> wait_of(const HttpResponse& answer, const HttpPeerWords& who) const;

  HttpSinkSettings settings_;
  const ExporterWorld& world_;
  std::string exporter_;
  SecretMask secrets_;
  std::shared_ptr<HttpClient> client_;
};

// What stands before the far end has let us in only to say that it wants a (better) client certificate.
bool lacks_client_certificate(const HttpResponse& answer);

// An HTML page, which is a login's, a proxy's or a web site's.
bool looks_like_html(const HttpResponse& answer);

}  // namespace auditferry
