# cmake -DOUTPUT=x.cc -DFILES=a.toml,b.toml -P embed_files.cmake
# writes the bytes of the files as arrays: string literals are limited in size, arrays are not.
string(REPLACE "," ";" files "${FILES}")
set(arrays "")
set(entries "")
set(index 0)
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(REGEX REPLACE "(('[^']*',){16})" "\\1\n" bytes "${bytes}")
  # The zero at the end keeps an empty file legal; it is not part of the text.
  string(APPEND arrays "const char file_${index}[] = {\n${bytes}0};\n")
  string(APPEND entries "    {\"${name}\", {file_${index}, sizeof file_${index} - 1}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE "${OUTPUT}.new" "// Generated from the files of sources/profiles by cmake/embed_files.cmake.
#include \"sources/embedded_profiles.h\"

namespace auditferry {
namespace {

${arrays}
const EmbeddedFile files[] = {
${entries}};

}  // namespace

std::span<const EmbeddedFile> embedded_profiles() { return files; }

}  // namespace auditferry
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
