#pragma once

#include <cstdint>

namespace auditferry {

// What this process has read from files so far, from the disk or the system's cache (rchar of proc_pid_io(5)), in MiB;
// 0 where the system does not tell. It rises while SQLite looks through a large file, which raises no other number. Any
// thread.
std::uint64_t mebibytes_read();

}  // namespace auditferry
