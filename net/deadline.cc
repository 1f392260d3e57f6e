#include "net/deadline.h"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace auditferry {

void throw_if_cancelled(const boost::system::error_code& error) {
  if (error == boost::asio::error::operation_aborted) throw boost::system::system_error(error);
}

}  // namespace auditferry
