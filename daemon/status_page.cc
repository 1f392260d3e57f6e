#include "daemon/status_page.h"

#include <algorithm>

#include "config/settings.h"
#include "daemon/findings.h"
#include "daemon/html.h"
#include "daemon/minute_chart.h"
#include "daemon/page/files.h"
#include "daemon/page_table.h"
#include "daemon/retention_headroom.h"
#include "daemon/status_report.h"
#include "daemon/text_report.h"
#include "encoding/base64.h"
#include "encoding/hash.h"
#include "encoding/time_format.h"

namespace auditferry {
namespace {

// More of them say nothing more; the command line has them all.
constexpr std::size_t most_rows = 200;

std::string_view page_file(std::string_view name) {
  for (const EmbeddedFile& file : page_files()) {
    if (file.name == name) return file.text;
  }
  return {};
}

std::string hash_source(std::string_view text) {
  const Sha256 hash = sha256(text);
  return "'sha256-" + base64_encode({reinterpret_cast<const char*>(hash.data()), hash.size()}) + "'";
}

enum class Mood { good, bad, quiet };

// The sign and the words say what the colour says.
std::string state_html(Mood mood, const std::string& words, const std::string& more = "") {
  const char* name = mood == Mood::good ? "good" : mood == Mood::bad ? "bad" : "quiet";
  const char* sign = mood == Mood::good ? "\xe2\x9c\x93" : mood == Mood::bad ? "\xe2\x9c\x95" : "\xe2\x80\xa2";
  std::string html = std::string("<span class=\"state ") + name + "\"><span class=\"sign\" aria-hidden=\"true\">" + sign + "</span> " +
                     escape_html(words) + "</span>";
  if (!more.empty()) html += "<span class=\"more\">" + foreign_html(plain(more)) + "</span>";
  return html;
}

std::string time_html(std::optional<WallTime> time) {
  if (!time) return "\xe2\x80\x93";
  const std::string exact = report_time(time);
  return "<time datetime=\"" + exact + "\">" + exact.substr(0, 10) + " " + exact.substr(11, 8) + "&nbsp;UTC</time>";
}

std::string duration_html(std::optional<Duration> duration) {
  return duration ? escape_html(report_duration(*duration)) : "\xe2\x80\x93";
}

std::string code_html(const std::string& command) {
  return command.empty() ? "" : "<code>" + escape_html(command) + "</code>";
}

// A part of the page that the script exchanges as a whole.
std::string part(const std::string& name, const std::string& html) {
  return "<div id=\"part-" + name + "\" data-part>" + html + "</div>\n";
}

// Nothing in `inner`: no section.
std::string section(const std::string& name, const std::string& title, const std::string& inner) {
  if (inner.empty()) return part(name, "");
  return part(name, "<section aria-labelledby=\"title-" + name + "\"><h2 id=\"title-" + name + "\">" + title + "</h2>" + inner + "</section>");
}

// Without numbers that change: it is read out when it changes.
std::string verdict(const LiveState& state, std::size_t needs) {
  if (needs > 0) {
    return "<p id=\"verdict\" class=\"bad\" role=\"status\" data-part><span class=\"sign\" aria-hidden=\"true\">!</span> <strong>Needs attention:</strong> " +
           (needs == 1 ? std::string("one thing needs a person") : report_count(needs) + " things need a person") + ", see what to do below.</p>\n";
  }
  const std::string what = counted(state.pollers.size(), "log is", "logs are") + " collected, " +
                           counted(state.deliverers.size(), "exporter delivers", "exporters deliver");
  return "<p id=\"verdict\" class=\"good\" role=\"status\" data-part><span class=\"sign\" aria-hidden=\"true\">\xe2\x9c\x93</span> <strong>In order:</strong> " + what +
         ", and nothing needs a person.</p>\n";
}

std::string needs_html(const std::vector<Finding>& needs) {
  std::string list;
  for (const Finding& need : needs) {
    list += "<li><p class=\"what\">" + foreign_html(need.what) + "</p><p>" + escape_html(need.todo) + "</p>" + code_html(need.command) + "</li>";
  }
  return list.empty() ? "" : "<ol class=\"needs\">" + list + "</ol>";
}

std::string stream_state(const LiveState& state, const StreamProgress& progress) {
  const PollerStatus* poller = state.poller(*progress.stream);
  if (!progress.configured || poller == nullptr) return state_html(Mood::quiet, "no longer collected");
  if (poller->stopped) return state_html(Mood::bad, "stopped", poller->problem);
  if (poller->waiting_for_room) return state_html(Mood::bad, "waits for room in the journal");
  if (!poller->up && !poller->problem.empty()) return state_html(Mood::bad, "trying again", poller->problem);
  if (!poller->up) return state_html(Mood::quiet, "not asked yet");
  if (progress.holes.empty()) return state_html(Mood::good, "up to date");
  return state_html(Mood::good, "fetching what is older");
}

std::string headroom_html(const LiveState& state, const StreamProgress& progress) {
  StatusContext context;
  context.now = state.now;
  context.settings = state.settings;
  const std::optional<Duration> headroom = retention_headroom(progress, *state.snapshot, context);
  if (!headroom) return "<span class=\"quiet\">not known</span>";
  if (*headroom <= Duration::zero()) return "<strong class=\"bad\">may have begun</strong>";
  return "in " + escape_html(report_duration(*headroom));
}

std::string streams_html(const LiveState& state) {
  PageTable table("Streams", {"Stream", "State", "Complete up to", "Behind", "Portal forgets", "Records", "Records per minute, last hour"});
  StatusContext context;
  context.now = state.now;
  context.settings = state.settings;
  std::size_t rows = 0;
  for (const StreamSnapshot& stream : state.snapshot->streams) {
    if (++rows > most_rows) break;
    const StreamProgress progress = progress_of(stream, *state.snapshot, context);
    const std::string name = stream.source + "/" + stream.identity.stream;
    const RecordRates::Minutes minutes = state.rates->of(stream.stream_id, state.steady_now);
    table.row({foreign_html(name), stream_state(state, progress),
               time_html(progress.collection != nullptr ? progress.collection->watermark : std::nullopt),
               progress.configured ? duration_html(progress.lag) : "\xe2\x80\x93", headroom_html(state, progress), report_count(stream.books.journaled),
               minute_chart(plain(name), minutes) + "<span class=\"more\">" + minute_words(minutes) + "</span>"});
  }
  for (const std::string& name : not_started(*state.snapshot, context)) {
    const std::string none = "\xe2\x80\x93";
    const auto runs = std::find_if(state.pollers.begin(), state.pollers.end(), [&](const PollerStatus& status) { return status.source + "/" + status.stream == name; });
    const bool failed = runs != state.pollers.end() && !runs->problem.empty();
    table.row({foreign_html(name), failed ? state_html(Mood::bad, runs->stopped ? "stopped" : "trying again", runs->problem) : state_html(Mood::quiet, "not asked yet"),
               none, none, none, "0", none});
  }
  return table.html();
}

std::string exporter_state(const LiveState& state, const ExporterRow& row) {
  if (!row.attached) return state_html(Mood::quiet, "no longer configured");
  const DelivererStatus* live = state.deliverer(row);
  const std::string problem = live != nullptr && !live->problem.empty() ? live->problem : row.last_error;
  if (!problem.empty()) return state_html(Mood::bad, live != nullptr && live->paused ? "stopped" : "trying again", problem);
  if (row.books.waiting(state.snapshot->last_seq) == 0) return state_html(Mood::good, "everything is delivered");
  return live != nullptr && live->up ? state_html(Mood::good, "delivering") : state_html(Mood::quiet, "not tried yet");
}

std::string exporters_html(const LiveState& state) {
  PageTable table("Exporters", {"Exporter", "State", "Delivered", "Waiting", "Oldest waiting", "Dead letters", "Last delivery"});
  for (const ExporterRow& row : state.snapshot->exporters) {
    const std::uint64_t waiting = row.books.waiting(state.snapshot->last_seq);
    const DelivererStatus* live = state.deliverer(row);
    std::optional<Duration> oldest;
    if (waiting > 0 && live != nullptr && live->oldest_waiting) oldest = std::max(Duration::zero(), Duration(state.now - *live->oldest_waiting));
    table.row({foreign_html(row.name) + "<span class=\"more\">" + foreign_html(row.type) + "</span>", exporter_state(state, row),
               report_count(row.books.delivered), report_count(waiting), duration_html(oldest), report_count(row.books.dead),
               time_html(row.last_delivery)});
  }
  return table.html();
}

std::string advice_html(const std::vector<GapAdvice>& advice) {
  std::string html;
  for (const GapAdvice& one : advice) html += escape_html(one.words) + code_html(one.command);
  return html;
}

std::string gaps_html(const LiveState& state) {
  PageTable table("Gaps", {"Gap", "Of", "What is missing", "Why", "Since", "What to do"});
  std::size_t rows = 0;
  for (const GapRow& gap : state.snapshot->gaps) {
    if (++rows > most_rows) break;
    const std::string what = gap.range ? time_html(gap.range->from) + " to " + time_html(gap.range->to)
                                       : "entries " + report_count(gap.from_seq) + " to " + report_count(gap.to_seq);
    table.row({std::to_string(gap.gap_id), foreign_html(plain(gap_owner(gap, *state.snapshot))), what,
               foreign_html(plain(gap.type)) + "<span class=\"more\">" + foreign_html(plain(gap.why)) + "</span>", time_html(gap.opened),
               advice_html(gap_advice(gap, *state.snapshot, state.config))});
  }
  std::string html = table.html();
  if (state.snapshot->gaps.size() > most_rows) {
    html += "<p>and " + report_count(state.snapshot->gaps.size() - most_rows) + " more: " + code_html(command_line(state.config, "gaps list", {"--state", "open"})) + "</p>";
  }
  return html;
}

std::string letters_html(const LiveState& state) {
  PageTable table("Dead letters", {"Exporter", "Dead letters", "Read why", "Deliver them again", "Give them up"});
  for (const ExporterRow& row : state.snapshot->exporters) {
    if (row.books.dead == 0) continue;
    table.row({foreign_html(row.name), report_count(row.books.dead),
               code_html(command_line(state.config, "dead-letters list", {"--exporter", row.name})),
               code_html(command_line(state.config, "dead-letters retry", {"--all", "--exporter", row.name})),
               code_html(command_line(state.config, "dead-letters discard", {"--all", "--exporter", row.name}))});
  }
  return table.html();
}

std::string penalties_html(const LiveState& state) {
  std::string items;
  for (const Penalty& penalty : state.snapshot->penalties) {
    if (penalty.until <= state.now) continue;
    items += "<li>No request goes to " + foreign_html(plain(penalty.host)) + " until " + time_html(penalty.until) + ": " + foreign_html(plain(penalty.why)) + "</li>";
  }
  return items.empty() ? "" : "<ul>" + items + "</ul><p>This is obeyed by itself; nothing needs to be done.</p>";
}

std::string footer(const LiveState& state) {
  std::string html = "As of " + time_html(state.now) + ". auditferry " AUDITFERRY_VERSION ", process " + std::to_string(state.process) + "; journal " +
                     format_size(state.snapshot->used_bytes) + ", " + counted(state.snapshot->last_seq, "entry", "entries");
  if (state.snapshot->quarantined_items > 0) html += ", " + counted(state.snapshot->quarantined_items, "item", "items") + " in quarantine";
  return part("footer", "<p>" + html + ".</p>");
}

}  // namespace

std::string render_status_page(const LiveState& state) {
  const std::vector<Finding> needs = findings(state);
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";
  page += needs.empty() ? "In order \xe2\x80\x93 auditferry" : "Needs attention \xe2\x80\x93 auditferry";
  page += "</title>\n<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n<style>";
  page += page_file("style");
  page += "</style></head><body>\n<a class=\"skip\" href=\"#main\">To the content</a>\n<header><h1>auditferry</h1></header>\n<main id=\"main\">\n";
  page += verdict(state, needs.size());
  page += section("needs", "What to do", needs_html(needs));
  page += section("streams", "Collected", streams_html(state));
  page += section("exporters", "Delivered", exporters_html(state));
  page += section("gaps", "Gaps", gaps_html(state));
  page += section("letters", "Dead letters", letters_html(state));
  page += section("waits", "Portals that asked us to wait", penalties_html(state));
  page += "</main>\n<footer>" + footer(state) +
          "<nav aria-label=\"Other forms\"><a href=\"/status\">as JSON</a> <a href=\"/metrics\">as metrics</a></nav></footer>\n<script>";
  page += page_file("script");
  return page + "</script></body></html>\n";
}

std::string status_page_policy() {
  return "default-src 'none'; script-src " + hash_source(page_file("script")) + "; style-src " + hash_source(page_file("style")) +
         "; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
}

}  // namespace auditferry
