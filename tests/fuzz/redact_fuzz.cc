#include <cstddef>
#include <cstdint>

#include "exporters/redactor.h"
#include "tests/fuzz/format_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace auditferry;
  static NullLog log;
  RedactSettings settings;
  settings.rules = {{"/*/a", RedactAction::remove}, {"/raw_data#/ip", RedactAction::truncate_ip}, {"/*#/*", RedactAction::hash}};
  Redactor redactor(settings, log, "fuzz");
  Record record = testing::record_of_bytes({reinterpret_cast<const char*>(data), size});
  std::string storage;
  redactor.apply(record, storage);
  AUDITFERRY_CHECK(record.gap || scan_json(record.raw).ok());
  return 0;
}
