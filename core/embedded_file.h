#pragma once

#include <string_view>

namespace auditferry {

// A file that is compiled into the program; the build makes it (cmake/embed_files.cmake). Lives for ever.
struct EmbeddedFile {
  std::string_view name;  // of the file, without its ending
  std::string_view text;
};

}  // namespace auditferry
