#include "routing/edit_comment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.h"

namespace expertoire {
namespace {

using testing::ElementsAre;

TEST(EditCommentTest, WordsOfWhyAreReadFromTheFileAndItsEdits) {
  const test::TempDir dir;
  dir.write("e.json", R"({"format": "expertoire.routing_edit", "version": 1, "comment": "law",
    "edits": [{"action": "ablate", "experts": [3], "comment": "why"},
              {"action": "ablate", "experts": [4], "comment": "law"},
              {"action": "ablate", "experts": [5], "comment": 7}]})");
  EXPECT_THAT(edit_comments(dir.file("e.json")), ElementsAre("law", "why"));
}

TEST(EditCommentTest, AnEditWithAComment) {
  const test::TempDir dir;
  const RoutingEdit edit({"olmoe", 16, 64}, {{.layers = std::vector{1}, .experts = {3}}});
  dir.write("e.json", commented_edit(edit, "the experts of \"law\""));
  EXPECT_EQ(RoutingEdit::load(dir.file("e.json")).to_json(), edit.to_json());
  EXPECT_THAT(edit_comments(dir.file("e.json")), ElementsAre("the experts of \"law\""));
  EXPECT_EQ(commented_edit(edit, "").find("comment"), std::string::npos);
}

}  // namespace
}  // namespace expertoire
