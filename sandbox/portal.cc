#include "sandbox/portal.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>

#include "core/check.h"
#include "sandbox/portal_state.h"
#include "sandbox/time_text.h"

namespace auditferry {
namespace {

constexpr std::array<SandboxLog, 4> all_logs = {SandboxLog::audit, SandboxLog::device, SandboxLog::okta,
                                                SandboxLog::github};
constexpr std::size_t max_seen_requests = 100'000;

void advance(PortalState& state, WallTime now) {
  for (auto& [key, stream] : state.streams) {
    if (state.making) stream->generator.advance(now, stream->records);
    stream->records.advance(now);
  }
}

PortalStream& stream_or_die(PortalState& state, std::string_view tenant, std::string_view name) {
  PortalStream* stream = state.stream(tenant, name);
  AUDITFERRY_CHECK(stream != nullptr);
  return *stream;
}

std::uint64_t window_end(const PortalState& state, const PortalState::Window& window, WallTime now) {
  const auto end = window.start + state.options.rate_limit.window;
  const auto at = state.options.rate_limit.reset_as_epoch ? end.time_since_epoch() : end - now;
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(at).count()));
}

// Counts the request against the limit; the headers are for every answer.
bool within_rate_limit(PortalState& state, const std::string& credential, WallTime now,
                       std::vector<HttpHeader>& headers) {
  const SandboxRateLimit& limit = state.options.rate_limit;
  if (limit.requests == 0) return true;
  PortalState::Window& window = state.windows[credential];
  if (now >= window.start + limit.window) window = {now, 0};
  ++window.requests;
  const std::uint64_t used = std::min<std::uint64_t>(window.requests, limit.requests);
  headers.push_back({"X-RateLimit-Limit", std::to_string(limit.requests)});
  headers.push_back({"X-RateLimit-Remaining", std::to_string(limit.requests - used)});
  headers.push_back({"X-RateLimit-Reset", std::to_string(window_end(state, window, now))});
  return window.requests <= limit.requests;
}

PortalAnswer refuse_for(PortalState& state, int status, Duration wait, bool say_so) {
  ++state.stats.during_penalty;
  PortalAnswer answer = error_answer(status, "rate limit exceeded");
  if (say_so)
    answer.headers.push_back(
        {"Retry-After", std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count())});
  return answer;
}

PortalAnswer route(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                   WallTime now) {
  if (target.path == "/api/v1/logs") return answer_okta(state, request, target, now);
  if (stream_of_path(target.path) == "github") return answer_github(state, request, target, now);
  return answer_apptego(state, request, target, now);
}

// `met` becomes the kind of the fault that the request meets.
PortalAnswer serve(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                   WallTime now, std::string& met) {
  const std::string credential(find_header(request.headers, "Authorization").value_or(""));
  const auto penalty = state.penalties.find(credential);
  if (penalty != state.penalties.end() && now < penalty->second.until) {
    return refuse_for(state, penalty->second.status, penalty->second.until - now, true);
  }
  std::vector<HttpHeader> limit_headers;
  if (!within_rate_limit(state, credential, now, limit_headers)) {
    const SandboxRateLimit& limit = state.options.rate_limit;
    const Duration wait = state.windows[credential].start + limit.window - now;
    PortalAnswer answer = refuse_for(state, limit.as_403 ? 403 : 429, wait, limit.say_retry_after);
    // The first refusal of a window is how the client learns of it.
    if (state.windows[credential].requests == limit.requests + 1) --state.stats.during_penalty;
    answer.headers.insert(answer.headers.end(), limit_headers.begin(), limit_headers.end());
    return answer;
  }
  const std::optional<Fault> fault = state.faults.next(stream_of_path(target.path), target.path);
  if (fault) {
    met = to_string(fault->kind);
    ++state.stats.faults[met];
    if (std::optional<PortalAnswer> instead = answer_instead(state, *fault, credential, now))
      return std::move(*instead);
  }
  PortalAnswer answer = route(state, request, target, now);
  answer.headers.insert(answer.headers.end(), limit_headers.begin(), limit_headers.end());
  if (fault) spoil(*fault, answer);
  return answer;
}

void record_seen(PortalState& state, const PortalRequest& request, const ParsedTarget& target,
                 const PortalAnswer& answer, WallTime now, std::string fault) {
  const int status = answer.transport.refuse || answer.transport.hang ? 0 : answer.status;
  ++state.stats.requests;
  ++state.stats.by_status[status];
  ++state.stats.by_path[target.path];
  state.seen.push_back({now, request.method, request.target, request.body, status, std::move(fault)});
  if (state.seen.size() > max_seen_requests) state.seen.pop_front();
}

}  // namespace

PortalStream* PortalState::stream(std::string_view tenant, std::string_view name) {
  const std::string owner = tenant.empty() ? options.tenants.front().id : std::string(tenant);
  const auto found = streams.find({owner, std::string(name)});
  return found == streams.end() ? nullptr : found->second.get();
}

Portal::Portal(PortalOptions options, std::function<WallTime()> now)
    : state_(std::make_unique<PortalState>()) {
  AUDITFERRY_CHECK(!options.tenants.empty());
  state_->options = std::move(options);
  state_->clock = std::move(now);
  const PortalOptions& kept = state_->options;
  state_->cursors = CursorBook(kept.cursors, kept.seed);
  const WallTime made_at = state_->clock();
  std::uint64_t tenant_number = 0;
  for (const SandboxTenant& tenant : kept.tenants) {
    for (const SandboxLog log : all_logs) {
      const auto given = kept.streams.find(log);
      const SandboxStreamOptions stream =
          given == kept.streams.end() ? SandboxStreamOptions() : given->second;
      state_->streams[{tenant.id, stream_name(log)}] = std::make_unique<PortalStream>(
          log, stream, kept.dialect, kept.seed + 1'000 * tenant_number, made_at - stream.history);
    }
    ++tenant_number;
  }
}

Portal::~Portal() = default;

PortalAnswer Portal::handle(const PortalRequest& request) {
  const std::scoped_lock lock(mutex_);
  const WallTime now = state_->clock();
  advance(*state_, now);
  const ParsedTarget target = parse_target(request.target);
  const bool ours = target.path.starts_with("/sandbox/");
  std::string fault;
  PortalAnswer answer =
      ours ? answer_sandbox(*state_, request, target, now) : serve(*state_, request, target, now, fault);
  if (!ours) record_seen(*state_, request, target, answer, now, std::move(fault));
  if (!find_header(answer.headers, "Date"))
    answer.headers.push_back({"Date", http_date(now + state_->options.date_offset)});
  std::array<char, 32> id{};
  std::snprintf(id.data(), id.size(), "sandbox-%06llu",
                static_cast<unsigned long long>(++state_->request_number));
  answer.headers.push_back({"X-Request-Id", id.data()});
  return answer;
}

void Portal::advance_to(WallTime now) {
  const std::scoped_lock lock(mutex_);
  advance(*state_, now);
}

std::vector<std::string> Portal::make(std::string_view stream, std::size_t count, WallTime from, WallTime to,
                                      std::uint64_t record_bytes, std::string_view tenant) {
  const std::scoped_lock lock(mutex_);
  PortalStream& log = stream_or_die(*state_, tenant, stream);
  log.records.advance(state_->clock());
  const std::size_t before = log.records.all().size();
  const std::uint64_t bytes = record_bytes > 0 ? record_bytes : log.options.record_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    const Duration step =
        count > 1 ? Duration((to - from).count() / static_cast<std::int64_t>(count - 1)) : Duration::zero();
    const WallTime created = i + 1 == count && count > 1 ? to : from + step * static_cast<std::int64_t>(i);
    log.generator.make(created, created, bytes, log.records);
  }
  log.records.advance(state_->clock());
  std::vector<std::string> ids;
  for (std::size_t i = before; i < log.records.all().size(); ++i) ids.push_back(log.records.all()[i].id);
  return ids;
}

std::string Portal::add(std::string_view stream, WallTime created, const Fields& fields,
                        std::optional<WallTime> visible_from, std::string_view tenant) {
  const std::scoped_lock lock(mutex_);
  PortalStream& log = stream_or_die(*state_, tenant, stream);
  SandboxRecord record;
  record.created = cut_to_unit(log.log, state_->options.dialect, created);
  record.visible_from = visible_from.value_or(state_->clock());
  // The id is fixed now, so that it can be told to the caller before the record appears.
  record.event = log.records.next_event();
  log.records.set_next_event(record.event + 1);
  record.id = record_id(log.log, state_->options.seed, record.event);
  write_record(log.log, state_->options.dialect, static_cast<std::uint64_t>(record.event),
               log.options.record_bytes, record);
  if (!fields.empty()) {
    boost::json::object object = boost::json::parse(*record.json).as_object();
    for (const auto& [name, token] : fields) object[name] = boost::json::parse(token);
    record.json = std::make_shared<const std::string>(boost::json::serialize(object));
  }
  std::string id = record.id;
  log.records.expect(std::move(record), {});
  log.records.advance(state_->clock());
  return id;
}

void Portal::add_raw(std::string_view stream, WallTime created, std::string id, std::string json,
                     std::string_view tenant) {
  const std::scoped_lock lock(mutex_);
  PortalStream& log = stream_or_die(*state_, tenant, stream);
  SandboxRecord record;
  record.created = created;
  record.visible_from = state_->clock();
  record.id = std::move(id);
  record.json = std::make_shared<const std::string>(std::move(json));
  log.records.expect(std::move(record), {});
  log.records.advance(state_->clock());
}

bool Portal::change(std::string_view stream, std::string_view id, std::string_view tenant) {
  const std::scoped_lock lock(mutex_);
  return change_record(stream_or_die(*state_, tenant, stream), id);
}

bool Portal::erase(std::string_view stream, std::string_view id, std::string_view tenant) {
  const std::scoped_lock lock(mutex_);
  return erase_record(stream_or_die(*state_, tenant, stream), id);
}

void Portal::stop_making() {
  const std::scoped_lock lock(mutex_);
  advance(*state_, state_->clock());
  state_->making = false;
}

void Portal::resume_making() {
  const std::scoped_lock lock(mutex_);
  for (auto& [key, stream] : state_->streams) stream->generator.skip_to(state_->clock());
  state_->making = true;
}

void Portal::set_faults(Faults faults) {
  const std::scoped_lock lock(mutex_);
  state_->faults.set(std::move(faults));
}

void Portal::add_fault(ScriptedFault fault) {
  const std::scoped_lock lock(mutex_);
  state_->faults.add(std::move(fault));
}

void Portal::expire_cursors() {
  const std::scoped_lock lock(mutex_);
  state_->cursors.expire_all();
}

void Portal::end_penalties() {
  const std::scoped_lock lock(mutex_);
  state_->penalties.clear();
}

void Portal::set_dialect(const SandboxDialect& dialect) {
  const std::scoped_lock lock(mutex_);
  state_->options.dialect = dialect;
  for (auto& [key, stream] : state_->streams) stream->generator.set_dialect(dialect);
}

void Portal::set_cursors(const SandboxCursors& cursors) {
  const std::scoped_lock lock(mutex_);
  state_->options.cursors = cursors;
  state_->cursors.set_options(cursors);
}

void Portal::set_plan(std::string_view tenant, std::string plan) {
  const std::scoped_lock lock(mutex_);
  for (SandboxTenant& known : state_->options.tenants) {
    if (known.id == tenant) known.plan = plan;
  }
}

void Portal::set_token_revoked(std::string_view key, bool revoked) {
  const std::scoped_lock lock(mutex_);
  for (SandboxToken& token : state_->options.tokens) {
    if (token.key == key) token.revoked = revoked;
  }
}

void Portal::set_permissions(std::string_view key, std::set<std::string> permissions) {
  const std::scoped_lock lock(mutex_);
  for (SandboxToken& token : state_->options.tokens) {
    if (token.key == key) token.permissions = permissions;
  }
}

void Portal::set_retention(std::string_view stream, Duration retention, std::string_view tenant) {
  const std::scoped_lock lock(mutex_);
  stream_or_die(*state_, tenant, stream).options.retention = retention;
}

void Portal::set_date_offset(Duration offset) {
  const std::scoped_lock lock(mutex_);
  state_->options.date_offset = offset;
}

std::vector<RecordInfo> Portal::all_records(std::string_view stream, std::string_view tenant) {
  const std::scoped_lock lock(mutex_);
  const WallTime now = state_->clock();
  advance(*state_, now);
  PortalStream& log = stream_or_die(*state_, tenant, stream);
  const std::optional<WallTime> oldest = log.oldest(now);
  std::vector<RecordInfo> all;
  all.reserve(log.records.all().size());
  for (const SandboxRecord& record : log.records.all()) {
    all.push_back({record.id, record.event, record.created, record.visible_from, record.json, record.changes,
                   record.erased, oldest && record.created < *oldest});
  }
  return all;
}

PortalStats Portal::stats() {
  const std::scoped_lock lock(mutex_);
  const WallTime now = state_->clock();
  advance(*state_, now);
  return collect_stats(*state_, now);
}

std::vector<SeenRequest> Portal::seen_requests() {
  const std::scoped_lock lock(mutex_);
  return {state_->seen.begin(), state_->seen.end()};
}

}  // namespace auditferry
