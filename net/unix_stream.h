#pragma once

#include <memory>
#include <string>

#include "core/byte_stream.h"

namespace auditferry {

// A Unix stream socket. ErrorKind::not_found, permission or connect, naming the path. No deadline of its
// own.
Task<Result<std::unique_ptr<ByteStream>>> connect_unix_stream(Executor executor, std::string path);

// Words for a Unix socket that cannot be reached, also for datagrams. `code` is an errno.
Error unix_socket_error(const std::string& path, int code);

}  // namespace auditferry
