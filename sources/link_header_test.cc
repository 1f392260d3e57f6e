#include "sources/link_header.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace auditferry {
namespace {

std::string next_of(std::vector<std::string> values) {
  HttpResponse response;
  for (std::string& value : values) response.headers.push_back({"link", std::move(value)});
  return next_link(response).value_or("none");
}

TEST(NextLink, FindsItAmongOthers) {
  EXPECT_EQ(next_of({"<https://h/a?after=1>; rel=\"next\""}), "https://h/a?after=1");
  EXPECT_EQ(next_of({"<https://h/s>; rel=\"self\", <https://h/n>; rel=\"next\""}), "https://h/n");
  EXPECT_EQ(next_of({"<https://h/s>; rel=\"self\"", "<https://h/n>; rel=\"next\""}),
            "https://h/n");  // two headers, as Okta sends
  EXPECT_EQ(next_of({"<https://h/a,b;c>; rel=self,<https://h/x,y>;rel=next"}), "https://h/x,y");
  EXPECT_EQ(next_of({"<n>; title=\"a, <b>; rel=\\\"next\\\"\"; rel=prev, <m>; REL=\"prev NEXT\""}), "m");
  EXPECT_EQ(next_of({"<n> ; title = \"x\" ; rel = next"}), "n");
  EXPECT_EQ(next_of({",, <n>;rel=next;"}), "n");
}

TEST(NextLink, FindsNoneWhereNoneIs) {
  EXPECT_EQ(next_of({}), "none");
  EXPECT_EQ(next_of({""}), "none");
  EXPECT_EQ(next_of({"<https://h/a>; rel=\"prev\""}), "none");
  EXPECT_EQ(next_of({"<https://h/a>; rel=\"nextish\""}), "none");
  EXPECT_EQ(next_of({"<https://h/a>; rel=prev; rel=next"}), "none");  // the first rel counts
  EXPECT_EQ(next_of({"<https://h/a>; rel=next; anchor=\"#x\""}), "none");
  EXPECT_EQ(next_of({"https://h/a; rel=next"}), "none");
  EXPECT_EQ(next_of({"<https://h/a; rel=next"}), "none");
  EXPECT_EQ(next_of({"<https://h/a>"}), "none");
}

TEST(NextLink, SurvivesAnyBytes) {
  Random random(31);
  constexpr std::string_view bytes = "<>;,=\"\\ relnxt";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(40); i > 0; --i) text += bytes[random.below(bytes.size())];
    (void)next_of({text});
  }
}

}  // namespace
}  // namespace auditferry
