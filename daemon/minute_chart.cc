#include "daemon/minute_chart.h"

#include <algorithm>
#include <numeric>

#include "daemon/html.h"
#include "daemon/text_report.h"

namespace auditferry {
namespace {

// In units of the picture.
constexpr std::uint64_t height = 30;
constexpr std::size_t step = 3;
constexpr std::size_t bar = 2;

}  // namespace

std::string minute_words(const RecordRates::Minutes& minutes) {
  const std::uint64_t sum = std::accumulate(minutes.begin(), minutes.end(), std::uint64_t{0});
  // The last minute that is over; the one under way would always seem to be less.
  return report_count(sum) + " in the last hour, " + report_count(minutes[minutes.size() - 2]) + " in the last minute";
}

std::string minute_chart(const std::string& name, const RecordRates::Minutes& minutes) {
  const std::uint64_t most = *std::max_element(minutes.begin(), minutes.end());
  const std::string width = std::to_string(minutes.size() * step);
  std::string svg = "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 " + width + " " + std::to_string(height + 2) + "\" aria-label=\"" +
                    escape_html("Records per minute of " + name + ": " + minute_words(minutes) + "; at most " + report_count(most)) + "\">";
  for (std::size_t i = 0; i < minutes.size(); ++i) {
    if (minutes[i] == 0) continue;
    // Also the smallest count is seen.
    const auto tall = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(minutes[i]) / static_cast<double>(most) * height + 0.5));
    svg += "<rect class=\"bar\" x=\"" + std::to_string(i * step) + "\" y=\"" + std::to_string(height - tall) + "\" width=\"" + std::to_string(bar) +
           "\" height=\"" + std::to_string(tall) + "\"/>";
  }
  return svg + "<path class=\"base\" d=\"M0 " + std::to_string(height) + "H" + width + "\"/></svg>";
}

}  // namespace auditferry
