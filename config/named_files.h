#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/secret_reader.h"

namespace auditferry {

// The files that secrets, certificates and keys of a configuration's text are in, in its order: what stands as
// { file = … }, as { credential = … }, and under ca_file, cert_file and key_file. The text is one that was read
// without an error; of another one nothing may come.
std::vector<std::string> named_files(std::string_view text, const SecretPlaces& places);

}  // namespace auditferry
