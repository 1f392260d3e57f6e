#include "exporters/file_settings.h"

#include "exporters/path_template.h"

namespace auditferry {
namespace {

std::optional<unsigned> parse_mode(std::string_view text) {
  if (text.size() < 3 || text.size() > 4) return std::nullopt;
  unsigned mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  return mode;
}

void read_mode(FileSettings& settings, TomlTable& table) {
  const std::optional<std::string> text = table.string("mode");
  if (!text) return;
  const std::optional<unsigned> mode = parse_mode(*text);
  if (!mode) {
    table.error("mode", "\"" + *text +
                            "\" is not the mode of a file; write it in octal digits, for example \"0640\"");
  } else if ((*mode & 0600) != 0600 || (*mode & ~0666u) != 0 || (*mode & 0002) != 0) {
    table.error("mode",
                "auditferry must be able to read and write its files, nobody may execute them, and not "
                "everybody may write "
                "to them; \"0600\", \"0640\" and \"0660\" are usual");
  } else {
    settings.mode = *mode;
  }
}

}  // namespace

FileSettings read_file_settings(TomlTable& table) {
  FileSettings settings;
  settings.path = table.required_string("path");
  if (!settings.path.empty()) {
    const Result<PathTemplate> parsed = PathTemplate::parse(settings.path);
    if (!parsed) table.error("path", parsed.error().message);
  }
  if (std::optional<TomlTable> rotate = table.table("rotate")) {
    if (const auto size = rotate->size("size")) {
      if (*size < 4096) rotate->error("size", "must be at least 4KiB");
      settings.rotate_size = *size;
    }
    if (const auto every = rotate->duration("every")) {
      if (*every < std::chrono::minutes(1)) rotate->error("every", "must be at least 1m");
      settings.rotate_every = *every;
    }
  }
  const auto compress = table.choice<Compression>(
      "compress", {{"none", Compression::none}, {"gzip", Compression::gzip}, {"zstd", Compression::zstd}});
  settings.compress = compress.value_or(settings.compress);
  read_mode(settings, table);
  settings.group = table.string("group").value_or("");
  settings.max_open =
      static_cast<std::uint32_t>(table.integer("max_open", 1, 10000).value_or(settings.max_open));
  if (const auto after = table.duration("close_after")) {
    if (*after < std::chrono::seconds(1)) table.error("close_after", "must be at least 1s");
    settings.close_after = *after;
  }
  return settings;
}

}  // namespace auditferry
