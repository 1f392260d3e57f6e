#pragma once

#include <string>

#include "daemon/record_rates.h"

namespace auditferry {

// A bar chart of the last hour as inline SVG, with the same in words for who does not see it. `name` is the
// stream's. No style attributes: the page's style sheet colours it by class. Pure.
std::string minute_chart(const std::string& name, const RecordRates::Minutes& minutes);

// "1,204 in the last hour, 40 in the last minute".
std::string minute_words(const RecordRates::Minutes& minutes);

}  // namespace auditferry
