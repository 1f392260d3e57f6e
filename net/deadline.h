#pragma once

#include <boost/system/error_code.hpp>

#include "core/deadline.h"

namespace auditferry {

// Passes a cancellation on, which must not be taken for an error of the far end.
void throw_if_cancelled(const boost::system::error_code& error);

}  // namespace auditferry
