#include "sources/profile.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace auditferry {
namespace {

constexpr std::string_view small_profile = R"(
vendor = "example"
credentials = ["token"]
[headers]
Authorization = "Bearer {token}"
[streams.audit]
records = "/items"
cursor = "/next"
[streams.audit.request]
method = "POST"
path = "/search"
body = { range = { from = "{from}", to = "{to}" }, cursor = "{cursor}", deleted = true }
[streams.audit.fields]
id = "/id"
time = "/time"
)";

std::string errors_of(std::string_view text) {
  const Result<Profile> profile = load_profile(text, "p.toml");
  return profile ? std::string("no error") : profile.error().message;
}

std::string with(std::string_view from, std::string_view to) {
  std::string text(small_profile);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(BuiltinProfiles, AllLoad) {
  EXPECT_EQ(builtin_profile_names(), (std::vector<std::string>{"apptego", "github", "okta"}));
  for (const std::string& name : builtin_profile_names()) {
    const Result<Profile> profile = builtin_profile(name);
    ASSERT_TRUE(profile.ok()) << profile.error().message;
    EXPECT_EQ(profile->vendor, name);
    EXPECT_FALSE(builtin_profile_text(name).empty());
  }
  EXPECT_EQ(builtin_profile_text("nobody"), "");
  const Result<Profile> missing = builtin_profile("apptgo");
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  EXPECT_NE(missing.error().message.find("did you mean \"apptego\"?"), std::string::npos)
      << missing.error().message;
}

TEST(BuiltinProfiles, AppTegoHoldsWhatIsDocumentedAndAssumed) {
  const Profile profile = *builtin_profile("apptego");
  EXPECT_EQ(profile.base_url, "https://app.apptego.com/frontend");
  EXPECT_TRUE(profile.tenant_required);
  EXPECT_EQ(profile.headers.at("Authorization"), "Bearer {token_key:token_secret|base64}");
  EXPECT_EQ(profile.success, "/success");
  ASSERT_EQ(profile.streams.size(), 2u);
  const StreamProfile& audit = profile.streams.at("audit");
  EXPECT_EQ(audit.order, RecordOrder::newest_first);
  EXPECT_EQ(audit.paging, PagingKind::cursor);
  EXPECT_EQ(audit.request_time_unit, TimeUnit::seconds);
  EXPECT_EQ(audit.request.body.size(), 5u);
  EXPECT_EQ(audit.request.body[0].path[0], "query");  // in the order of the file
  EXPECT_EQ(audit.plan_needed, "ENTERPRISE");
  EXPECT_EQ(audit.fields.id, "/event");
  const StreamProfile& device = profile.streams.at("device");
  EXPECT_EQ(device.kind, "detection");
  EXPECT_EQ(device.reread, (std::vector<Duration>{std::chrono::hours(1), std::chrono::hours(24)}));
  EXPECT_TRUE(profile.probe.has_value());
  EXPECT_TRUE(profile.probe->has_body);
  EXPECT_EQ(profile.plan_probe->plan, "/subscription");
}

TEST(BuiltinProfiles, OthersReadOldestFirstByLink) {
  const Profile okta = *builtin_profile("okta");
  const StreamProfile& log = okta.streams.at("audit");
  EXPECT_EQ(log.order, RecordOrder::oldest_first);
  EXPECT_TRUE(log.next_link_always);
  EXPECT_EQ(log.time_unit, TimeUnit::rfc3339);
  EXPECT_EQ(log.records, "");
  const Profile github = *builtin_profile("github");
  EXPECT_FALSE(github.streams.at("audit").next_link_always);
  EXPECT_EQ(github.rate_limit.limited_value, "0");
}

TEST(LoadProfile, ReadsASmallOneWithDefaults) {
  const Result<Profile> profile = load_profile(small_profile, "p.toml");
  ASSERT_TRUE(profile.ok()) << profile.error().message;
  const StreamProfile& stream = profile->streams.at("audit");
  EXPECT_EQ(stream.page_size, 100u);
  EXPECT_EQ(stream.time_unit, TimeUnit::seconds);
  ASSERT_EQ(stream.request.body.size(), 4u);
  EXPECT_EQ(stream.request.body[0].path, (std::vector<std::string>{"range", "from"}));
  EXPECT_TRUE(stream.request.body[3].is_literal);
  EXPECT_EQ(stream.request.body[3].literal, "true");
}

TEST(LoadProfile, RequestTimesHaveTheUnitOfRecordsUnlessSaid) {
  EXPECT_EQ(load_profile(with("cursor = \"/next\"", "cursor = \"/next\"\ntime_unit = \"milliseconds\""), "p")
                ->streams.at("audit")
                .request_time_unit,
            TimeUnit::milliseconds);
}

TEST(LoadProfile, ReportsEverythingAtOnce) {
  const std::string errors = errors_of(R"(vendor = "Ex ample"
credentials = "token"
succes = "/ok"
[headers]
Authorization = "Bearer {tokn}"
[rate_limit]
reset = "epocs"
[streams.audit]
records = "items"
cursor = "/a#/b"
page_size = 0
order = "newest"
[streams.audit.request]
method = "POST"
path = "/x"
[streams.audit.request.body]
from = "{from"
[streams.audit.fields]
tiem = "/t"
)");
  for (const char* expected :
       {"p.toml:1:1: vendor: ", "p.toml:2:1: credentials: expected an array of strings",
        "p.toml:3:1: succes: unknown key; did you mean \"success\"?",
        "p.toml:5:1: headers.Authorization: unknown placeholder {tokn}",
        "p.toml:7:1: rate_limit.reset: \"epocs\" is not a valid value; did you mean \"epoch\"?",
        "p.toml:9:1: streams.audit.records: \"items\" is not a JSON pointer",
        "p.toml:10:1: streams.audit.cursor: '#' cannot be used here",
        "p.toml:11:1: streams.audit.page_size: expected an integer from 1",
        "p.toml:12:1: streams.audit.order: \"newest\" is not a valid value",
        "p.toml:17:1: streams.audit.request.body.from: in the template",
        "streams.audit.fields.tiem: unknown key; did you mean \"time\"?",
        "streams.audit.fields: time is missing", "uses {cursor}", "uses {to}"}) {
    EXPECT_NE(errors.find(expected), std::string::npos) << expected << "\nis not in\n" << errors;
  }
}

TEST(LoadProfile, ChecksThatThePiecesFitTogether) {
  const auto expect_error = [](const std::string& text, const char* expected) {
    EXPECT_NE(errors_of(text).find(expected), std::string::npos) << expected << "\nis not in\n"
                                                                 << errors_of(text);
  };
  expect_error(with("cursor = \"/next\"\n", ""), "needs the pointer to the next cursor");
  expect_error(with("cursor = \"/next\"", "cursor = \"/next\"\npaging = \"offset\""), "uses {offset}");
  expect_error(with("cursor = \"/next\"", "cursor = \"/next\"\nnext_link_always = true"),
               "belongs to paging = \"link\" only");
  expect_error(with("cursor = \"/next\"", "cursor = \"/next\"\npage_size = 500\nmax_page_size = 100"),
               "more than max_page_size");
  expect_error(with("cursor = \"/next\"", "cursor = \"/next\"\nmax_window = 30"), "write \"30s\"");
  expect_error(with("records = \"/items\"\n", ""), "streams.audit.records: is missing");
  expect_error(with("method = \"POST\"", "method = \"GET\""), "a GET request has no body");
  expect_error(with("time = \"/time\"", ""), "time is missing");
  expect_error("vendor = \"x\"\n", "streams: is missing");
  expect_error("vendor = \"x\"\n[streams]\n", "at least one stream");
  expect_error("", "vendor: is missing");
  expect_error("a = ", "not valid TOML");
}

TEST(LoadProfile, SurvivesMutatedFiles) {
  Random random(77);
  for (int round = 0; round < 3000; ++round) {
    std::string text(builtin_profile_text("apptego"));
    for (std::uint64_t i = 1 + random.below(4); i > 0; --i) {
      const std::size_t at = random.below(text.size());
      if (random.below(2) == 0) {
        text.erase(at, 1 + random.below(20));
      } else {
        text.insert(at, 1, "\"{}[]|=#.\n/a\xff"[random.below(13)]);
      }
    }
    const Result<Profile> profile = load_profile(text, "p.toml");
    if (profile) continue;
    ASSERT_EQ(profile.error().kind, ErrorKind::invalid);
  }
}

}  // namespace
}  // namespace auditferry
