#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "config/settings.h"
#include "core/clock.h"
#include "core/http_client.h"
#include "core/log.h"
#include "core/random.h"
#include "daemon/answer.h"
#include "daemon/backoff.h"
#include "daemon/request_budget.h"
#include "daemon/storage_queue.h"
#include "encoding/secret_mask.h"
#include "sources/request_builder.h"

namespace auditferry {

// What every poller needs of its surroundings; all of it outlives the poller.
struct PollerWorld {
  Clock& clock;
  Log& log;
  StorageQueue& storage;
  HttpClient& http;
  RequestBudget& budget;
  Random& random;
  Bell& published;             // rung whenever new sequence numbers exist
  std::string credential_key;  // a hash that names the credential in stored penalties
};

// Stores a wait that a portal has asked for, which outlives the task.
using KeepPenalty = std::function<Task<Status>(const Penalty& penalty)>;

// The part of it that asking needs.
struct PortalWorld {
  Clock& clock;
  Log& log;
  HttpClient& http;
  RequestBudget& budget;
  Random& random;
  KeepPenalty keep_penalty;
  std::string credential_key;
};

struct SessionStats {
  std::map<int, std::uint64_t> requests_by_status;  // 0: no answer came
  std::optional<Duration> clock_skew;               // the portal's clock minus ours
};

// Asks a portal for pages of one stream, politely: budget, penalties, and what each answer means. One
// request in flight. Loop thread only.
class PortalSession {
 public:
  PortalSession(PortalWorld world, const SourceSettings& source, const StreamSettings& stream);
  PortalSession(const PollerWorld& world, const SourceSettings& source, const StreamSettings& stream);

  // Waits for the budget, sends, judges. A limit is turned into a penalty (and stored) before it returns.
  Task<Answer> ask(PageRequest request, double cost, bool follows_cursor);

  const SessionStats& stats() const { return stats_; }
  const std::string& host() const { return host_; }
  const std::string& source_name() const { return source_.name; }
  std::string fingerprint() const { return request_fingerprint(context_); }
  const RequestContext& context() const { return context_; }
  // The latest moment that a window may reach: the smaller of our clock and the portal's, minus settle.
  WallTime edge() const;
  std::vector<LogField> fields() const { return {{"source", source_.name}, {"stream", stream_.name}}; }
  // With the vendor's id of the request, where there is one: support asks for it.
  std::vector<LogField> fields(const Answer& answer) const {
    std::vector<LogField> fields = this->fields();
    if (!answer.request_id.empty()) fields.push_back({"request_id", answer.request_id});
    return fields;
  }

 private:
  Task<void> impose_penalty(Answer& answer);
  Task<void> explain_refusal(Answer& answer);
  AnswerContext answer_context(bool follows_cursor) const;
  // The portal's own count of the requests that are left.
  void note_rate(const HttpResponse& response);
  void note(const Answer& answer);

  PortalWorld world_;
  const SourceSettings& source_;
  const StreamSettings& stream_;
  RequestContext context_;
  const SecretMask secrets_;
  std::string host_;
  Backoff limit_backoff_;
  SessionStats stats_;
  bool skew_told_ = false;
};

// A wait that a portal has asked for.
struct WaitToImpose {
  Duration wait;
  std::string host;
  std::string credential_key;
  std::string why;  // for the journal
};
// Nobody asks by `budget` before the wait is over, and as it is kept, no later process does. Where it could not be kept,
// the log says so with `fields`.
Task<void> impose_wait(RequestBudget& budget, const KeepPenalty& keep, Clock& clock, Log& log, const WaitToImpose& what,
                       const std::vector<LogField>& fields);
// How the credential of a source is named in the journal: a hash, by which the same one is recognised.
std::string credential_key(const SourceSettings& source);
// "host:port" of a base URL; budget and penalties belong to it.
std::string host_of(const std::string& base_url);
RequestContext request_context(const SourceSettings& source, const StreamSettings& stream);
// What neither a message nor the quarantine may hold of this source's answers: its credentials in every form in
// which they are sent, and the password of its proxy.
SecretMask portal_secrets(const SourceSettings& source, const RequestContext& context);

}  // namespace auditferry
