#include "exporters/catalog.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "exporters/file_settings.h"
#include "tests/support/fake_far_end.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/test_loop.h"

namespace auditferry {
namespace {

// Reads a table as the configuration does; the problems, or what came out.
struct Read {
  explicit Read(const std::string& text, const std::string& type = "file") {
    settings.type = type;
    settings.name = "archive";
    settings.format = "json";
    const auto document = TomlDocument::parse(text, "test.toml", problems);
    TomlTable table = document->root();
    known = read_exporter(settings, table, SecretPlaces());
    document->report_unknown_keys();
  }
  bool complains(const std::string& words) const {
    for (const std::string& line : problems.lines()) {
      if (line.find(words) != std::string::npos) return true;
    }
    return false;
  }
  const FileSettings& file() const { return std::any_cast<const FileSettings&>(settings.own); }
  TomlProblems problems;
  ExporterSettings settings;
  bool known = false;
};

TEST(Catalog, DefaultsOfAFile) {
  const Read read("path = \"/var/log/./x.jsonl\"");
  EXPECT_TRUE(read.problems.empty());
  EXPECT_EQ(read.settings.output_key, "file:/var/log/x.jsonl");
  const Read relative("path = \"./x.jsonl\"");
  const Read absolute("path = \"" + (std::filesystem::current_path() / "x.jsonl").string() + "\"");
  EXPECT_EQ(relative.settings.output_key, absolute.settings.output_key) << "the same file";
  EXPECT_EQ(read.settings.batch.records, 5000u);
  EXPECT_EQ(read.settings.batch.bytes, 4u << 20);
  EXPECT_EQ(read.file().mode, 0600u);
  EXPECT_EQ(read.file().folder_mode(), 0700u);
  EXPECT_EQ(read.file().rotate_size, 0u);
}

TEST(Catalog, EveryKeyOfAFile) {
  const Read read(
      "path = \"x-{stream}.jsonl\"\nrotate.size = \"1GiB\"\nrotate.every = \"1d\"\ncompress = \"zstd\"\nmode "
      "= \"0640\"\n"
      "group = \"adm\"\nmax_open = 7\nclose_after = \"2h\"");
  EXPECT_TRUE(read.problems.empty()) << read.problems.lines().front();
  EXPECT_EQ(read.file().rotate_size, 1u << 30);
  EXPECT_EQ(read.file().rotate_every, std::chrono::hours(24));
  EXPECT_EQ(read.file().compress, Compression::zstd);
  EXPECT_EQ(read.file().mode, 0640u);
  EXPECT_EQ(read.file().folder_mode(), 0750u);
  EXPECT_EQ(read.file().group, "adm");
  EXPECT_EQ(read.file().max_open, 7u);
  EXPECT_EQ(read.file().close_after, std::chrono::hours(2));
}

TEST(Catalog, RefusesWrongFileSettings) {
  EXPECT_TRUE(Read("").complains("path"));
  EXPECT_TRUE(Read("path = \"{day}\"").complains("{day} is not a placeholder"));
  EXPECT_TRUE(Read("path = \"x\"\nmode = \"0755\"").complains("nobody may execute"));
  EXPECT_TRUE(Read("path = \"x\"\nmode = \"0606\"").complains("not everybody may write"));
  EXPECT_TRUE(Read("path = \"x\"\nmode = \"rw\"").complains("octal"));
  EXPECT_TRUE(Read("path = \"x\"\nmode = 640").complains("mode"));
  EXPECT_TRUE(Read("path = \"x\"\nrotate.size = \"1KiB\"").complains("at least 4KiB"));
  EXPECT_TRUE(Read("path = \"x\"\nrotate.every = \"1s\"").complains("at least 1m"));
  EXPECT_TRUE(Read("path = \"x\"\nrotate.evry = \"1h\"").complains("every"));
  EXPECT_TRUE(Read("path = \"x\"\ncompress = \"xz\"").complains("compress"));
  EXPECT_TRUE(Read("path = \"x\"\nclose_after = \"10ms\"").complains("at least 1s"));
}

TEST(Catalog, SaysHowManyWritesAtOnceATypeCanDo) {
  const std::string token = "url = \"https://s.example.com\"\ntoken = { env = \"A\" }\n";
  EXPECT_EQ(Read(token, "splunk_hec").settings.max_concurrency, 64u);
  EXPECT_EQ(Read(token + "ack = true", "splunk_hec").settings.max_concurrency, 1u);
  for (const char* type : {"http", "elasticsearch", "otlp"}) EXPECT_EQ(Read("", type).settings.max_concurrency, 64u) << type;
  EXPECT_EQ(Read("path = \"x\"").settings.max_concurrency, 1u);
}

TEST(Catalog, EveryTypeHasAsManyWritesAtOnceAsItIsTold) {
  const std::string token = "token = { env = \"example-token\" }\n";
  const std::pair<const char*, std::string> types[] = {
      {"http", "url = \"https://hook.example.com\"\n"},
      {"splunk_hec", "url = \"https://splunk.example.com:8088\"\n" + token},
      {"elasticsearch", "hosts = [\"https://search.example.com:9200\"]\nindex = \"audit\"\n"},
      {"otlp", "url = \"https://otel.example.com:4318\"\n"},
  };
  for (const auto& [type, configuration] : types) {
    FarEndFixture usual(type, configuration);
    EXPECT_EQ(usual.make()->limits().concurrent, 1u) << type;
    FarEndFixture four(type, configuration + "concurrency = 4\n");
    EXPECT_EQ(four.make()->limits().concurrent, 4u) << type;
  }
}

TEST(Catalog, KnowsItsNames) {
  EXPECT_FALSE(Read("", "fil").known);
  TestLoop loop;
  NullLog log;
  FaultyFileSystem disk;
  Random random(1);
  for (const std::string& type : exporter_types()) {
    const Read read("path = \"x\"", type);
    EXPECT_TRUE(read.known) << type;
    // Two exporters may send to one receiver, but not write to one file.
    const bool exclusive = type == "file" || type == "stdout";
    EXPECT_EQ(read.settings.output_key.empty(), !exclusive) << type;
    ExporterWorld world{loop.executor(), loop.clock(), log, disk, loop.blocking(), {}};
    world.random = &random;
    EXPECT_TRUE(make_exporter(read.settings, world)) << type;
  }
  for (const std::string& format : format_names()) {
    ExporterSettings settings;
    settings.format = format;
    EXPECT_TRUE(make_format(settings, {})) << format;
  }
}

}  // namespace
}  // namespace auditferry
