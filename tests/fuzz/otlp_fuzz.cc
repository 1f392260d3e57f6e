#include <cstddef>
#include <cstdint>

#include "tests/fuzz/sent_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auditferry::fixture::check_otlp({reinterpret_cast<const char*>(data), size});
  return 0;
}
