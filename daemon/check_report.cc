#include "daemon/check_report.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "daemon/portal_session.h"
#include "daemon/range_proof.h"
#include "encoding/json_scanner.h"
#include "encoding/json_view.h"
#include "sources/answer_text.h"
#include "storage/snapshot.h"

namespace auditferry {
namespace {

// One run of the check: what it has found, and the budgets that sources with the same credentials share.
class OnlineCheck {
 public:
  explicit OnlineCheck(CheckWorld world) : world_(world) {}

  Task<void> source(const CheckedSource& checked);
  Task<void> exporter(const CheckedExporter& checked);
  bool good() const { return good_; }

 private:
  Task<std::string> probe(const CheckedSource& checked, RequestBudget& budget);
  Task<void> stream(const CheckedSource& checked, const StreamSettings& settings, RequestBudget& budget);
  Task<bool> page(PortalSession& session, const StreamSettings& settings, const std::string& who);
  Task<void> range(PortalSession& session, const StreamSettings& settings, const std::string& who);
  RequestBudget& budget_of(const SourceSettings& settings);
  std::optional<Penalty> penalty_of(const SourceSettings& settings) const;
  void ok(const std::string& who, std::string_view words) {
    world_.sink("ok   " + plain(who) + ": " + plain(words) + "\n");
  }
  void fail(const std::string& who, std::string_view words) {
    good_ = false;
    world_.sink("FAIL " + plain(who) + ": " + plain(words) + "\n");
  }

  CheckWorld world_;
  std::map<std::string, std::unique_ptr<RequestBudget>> budgets_;
  bool good_ = true;
};

std::string place_of(const SourceSettings& settings) {
  return host_of(settings.base_url) + "\n" + credential_key(settings);
}

// Messages of the poller begin with whom they concern, which the line says already.
std::string_view without_owner(std::string_view message, const std::string& source,
                               const std::string& stream) {
  for (const std::string& owner :
       {"source " + source + ", stream " + stream + ": ", "stream " + stream + ": "}) {
    if (message.starts_with(owner)) message.remove_prefix(owner.size());
  }
  return message;
}

std::string judge_probe_status(const SourceSettings& settings, const HttpResponse& response, const SecretMask& secrets) {
  const std::string words = error_text(settings.profile, response, secrets);
  const std::string said =
      "status " + std::to_string(response.status) + (words.empty() ? "" : " (\"" + words + "\")");
  const std::string portal = settings.profile.title + " at " + host_of(settings.base_url);
  std::string names;
  for (const std::string& name : settings.profile.credentials)
    names += (names.empty() ? "credentials." : " and credentials.") + name;
  if (response.status == 401)
    return portal + " refused the credentials, " + said + ": check " + names + " (revoked or mistyped?)";
  if (response.status == 403)
    return portal + " denies these credentials tenant " + settings.tenant + ", " + said +
           ": check tenant, and the token's permissions";
  if (response.status == 404 || response.status == 405)
    return portal + " does not know this address, " + said + ": check base_url";
  if (response.status >= 300 && response.status < 400)
    return portal + " redirects, " + said + ": set base_url to the final address";
  if (response.status >= 500) return portal + " is not well, " + said + ": try again later";
  return portal + " answered with " + said + ": check base_url and tenant";
}

// "" when the answer shows that address, credentials and tenant are right.
std::string judge_probe(const SourceSettings& settings, const HttpResponse& response, const SecretMask& secrets) {
  if (response.status < 200 || response.status > 299) return judge_probe_status(settings, response, secrets);
  const std::string portal = settings.profile.title + " at " + host_of(settings.base_url);
  const Result<ScannedJson> scanned = scan_json(response.body);
  if (!scanned) {
    const std::size_t first = response.body.find_first_not_of(" \t\r\n");
    const bool html = first != std::string::npos && response.body[first] == '<';
    return portal +
           (html ? " answered with an HTML page, which is a login or a proxy's page"
                 : " answered with something that is not JSON") +
           ": check base_url and proxy";
  }
  if (settings.profile.success.empty()) return {};
  const std::optional<JsonView> success = JsonView(scanned->text).at_pointer(settings.profile.success);
  if (!success || success->scalar_text() != "false") return {};
  return portal + " says that the request failed: " + error_text(settings.profile, response, secrets) +
         ": check tenant and credentials";
}

Task<void> OnlineCheck::source(const CheckedSource& checked) {
  const SourceSettings& settings = *checked.settings;
  const std::string who = "source " + settings.name;
  if (const std::optional<Penalty> penalty = penalty_of(settings)) {
    fail(who, penalty->host + " has asked us to wait until " + report_time(penalty->until) +
                  ", so it was not asked (" + penalty->why + ")");
    co_return;
  }
  RequestBudget& budget = budget_of(settings);
  if (settings.profile.probe && !budget.penalized()) {
    const std::string problem = co_await probe(checked, budget);
    if (!problem.empty()) {
      fail(who, problem + "; its streams were not asked");
      co_return;
    }
    ok(who, host_of(settings.base_url) + " answers and takes the credentials");
  }
  for (const StreamSettings& one : settings.streams) {
    if (budget.penalized()) {
      fail(who + ", stream " + one.name, "the portal has asked us to wait " +
                                             report_duration(budget.penalty_left()) +
                                             ", so it was not asked");
    } else {
      co_await stream(checked, one, budget);
    }
  }
}

Task<std::string> OnlineCheck::probe(const CheckedSource& checked, RequestBudget& budget) {
  const SourceSettings& settings = *checked.settings;
  const StreamSettings none;
  const RequestContext context = request_context(settings, none);
  Result<HttpRequest> request = build_probe_request(context);
  if (!request) co_return request.error().message;
  co_await budget.acquire(1);
  HttpRequest to_send = std::move(request).value();
  to_send.fields = {{"source", settings.name}};
  const Result<HttpResponse> response = co_await checked.http->send(std::move(to_send));
  if (!response) co_return response.error().message;
  const SecretMask secrets = portal_secrets(settings, context);
  const std::string host = host_of(settings.base_url);
  const StreamProfile no_stream;
  const AnswerContext asked{settings.profile, no_stream, settings.name, settings.tenant, host, secrets};
  const std::optional<Answer> limit = judge_limit(asked, *response, world_.clock.now());
  if (!limit) co_return judge_probe(settings, *response, secrets);
  const Duration wait = limit->wait.value_or(std::chrono::minutes(1));
  const std::string words = host + " asks us to wait, status " + std::to_string(response->status) + ": " + report_duration(wait) +
                            (limit->wait ? "" : " (it names no time)");
  const WaitToImpose what{std::min(wait, settings.max_retry_after), host,
                          credential_key(settings), "source " + settings.name + ": " + words};
  const std::vector<LogField> whose{{"source", settings.name}};
  co_await impose_wait(budget, world_.keep_penalty, world_.clock, world_.log, what, whose);
  co_return words + "; try again after that";
}

Task<void> OnlineCheck::stream(const CheckedSource& checked, const StreamSettings& settings,
                               RequestBudget& budget) {
  const SourceSettings& source = *checked.settings;
  const std::string who = "source " + source.name + ", stream " + settings.name;
  PortalWorld world{world_.clock,  world_.log, *checked.http,         budget,
                    world_.random, world_.keep_penalty, credential_key(source)};
  PortalSession session(world, source, settings);
  const bool page_good = co_await page(session, settings, who);
  // The others go on from a cursor: no time range is asked for while all is well.
  if (page_good && settings.profile.order == RecordOrder::newest_first)
    co_await range(session, settings, who);
}

Task<bool> OnlineCheck::page(PortalSession& session, const StreamSettings& settings, const std::string& who) {
  PageRequest request;
  request.page_size = settings.profile.page_size;
  request.page = settings.profile.first_page;
  const Answer answer = co_await session.ask(request, 1, false);
  if (answer.kind != AnswerKind::page) {
    fail(who, answer.message.starts_with(who + ": ") ? std::string_view(answer.message).substr(who.size() + 2)
                                                     : answer.message);
    co_return false;
  }
  const std::vector<PageRecord>& records = answer.page.records;
  std::size_t without_time = 0;
  std::size_t without_id = 0;
  std::optional<WallTime> newest;
  for (const PageRecord& record : records) {
    if (!record.has_time) ++without_time;
    if (!record.has_id) ++without_id;
    if (record.has_time) newest = std::max(newest.value_or(record.time), record.time);
  }
  const MeaningFields& fields = settings.profile.fields;
  const std::string of_all = " of " + std::to_string(records.size()) + " records have no ";
  if (without_time > 0)
    fail(who, std::to_string(without_time) + of_all + "time at " + fields.time +
                  ": check fields.time and time_unit in the profile");
  if (without_id > 0 && !fields.id.empty())
    fail(who, std::to_string(without_id) + of_all + "id at " + fields.id +
                  ": check the stream's id; \"\" takes the hash of the content");
  if (without_time > 0 || (without_id > 0 && !fields.id.empty())) co_return false;
  ok(who, records.empty() ? "the log can be read, and is empty so far"
                          : "the log can be read: a page of " + std::to_string(records.size()) +
                                " records, the newest of " + report_time(newest));
  co_return true;
}

Task<void> OnlineCheck::range(PortalSession& session, const StreamSettings& settings,
                              const std::string& who) {
  const ProofOutcome proof = co_await prove_range(session, settings.profile);
  const std::string source = who.substr(7, who.find(',') - 7);
  switch (proof.kind) {
    case ProofOutcome::Kind::proved:
      ok(who, proof.exclusive_bounds
                  ? "time ranges are understood (a bound is exclusive, which loses nothing)"
                  : "time ranges are understood");
      break;
    case ProofOutcome::Kind::nothing_there:
      ok(who, "time ranges cannot be proved before there is a record");
      break;
    case ProofOutcome::Kind::wrong:
    case ProofOutcome::Kind::no_answer:
      fail(who, without_owner(proof.message, source, settings.name));
      break;
  }
}

Task<void> OnlineCheck::exporter(const CheckedExporter& checked) {
  const Status greeted = co_await checked.exporter->greet();
  const std::string who = "exporter " + checked.name;
  if (greeted) {
    ok(who, checked.exporter->greeting_shows());
  } else {
    fail(who, greeted.error().message);
  }
}

RequestBudget& OnlineCheck::budget_of(const SourceSettings& settings) {
  std::unique_ptr<RequestBudget>& budget = budgets_[place_of(settings)];
  if (!budget) budget = std::make_unique<RequestBudget>(world_.clock, settings.requests_per_minute);
  return *budget;
}

std::optional<Penalty> OnlineCheck::penalty_of(const SourceSettings& settings) const {
  const std::string host = host_of(settings.base_url);
  const std::string credential = credential_key(settings);
  for (const Penalty& penalty : world_.penalties) {
    if (penalty.host == host && penalty.credential == credential && penalty.until > world_.clock.now())
      return penalty;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Penalty>> stored_penalties(const std::string& journal_path) {
  std::error_code error;
  if (!std::filesystem::exists(journal_path, error)) return std::vector<Penalty>();
  Result<std::unique_ptr<JournalReader>> reader = JournalReader::open(journal_path);
  if (!reader) return std::move(reader).error();
  Result<JournalSnapshot> snapshot = (*reader)->snapshot();
  if (!snapshot) return std::move(snapshot).error();
  return std::move(snapshot->penalties);
}

Task<bool> check_online(CheckWorld world, const std::vector<CheckedSource>& sources,
                        const std::vector<CheckedExporter>& exporters) {
  OnlineCheck check(world);
  for (const CheckedSource& source : sources) co_await check.source(source);
  for (const CheckedExporter& exporter : exporters) co_await check.exporter(exporter);
  co_return check.good();
}

}  // namespace auditferry
