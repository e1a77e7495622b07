#include "eval/choice_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Names = std::map<std::string, std::string>;

class ChoiceSetTest : public testing::Test {
 protected:
  std::vector<ChoiceItem> read(const std::string& row, const Names& names,
                               const std::string& task = kOwnTask) const {
    const std::string path = folder_.write("a.jsonl", row);
    return ChoiceSet::read(path, choice_task(task), {.names = names}).items;
  }

  std::string refusal(const std::string& row, const Names& names,
                      const std::string& task = kOwnTask) const {
    const auto error = test::error_of([&] { read(row, names, task); });
    return error ? std::string(error_code_name(error->code())) + ": " + error->what() : "was read";
  }

 private:
  test::TempDir folder_;
};

constexpr const char* kOwnRow =
    R"({"stem": "Two and two?", "options": ["four", "five"], "gold": 1, "context": "not asked for"})";
const Names kOwnNames = {{"question", "stem"}, {"choices", "options"}, {"answer", "gold"}};

TEST_F(ChoiceSetTest, ReadsFieldsUnderTheNamesThatAreGiven) {
  const auto items = read(kOwnRow, kOwnNames);
  ASSERT_EQ(items.size(), 1U);
  EXPECT_THAT(items[0].contexts, ElementsAre("Two and two?"));
  EXPECT_THAT(items[0].continuations, ElementsAre(" four", " five"));
  EXPECT_EQ(items[0].answer, 1);
}

TEST_F(ChoiceSetTest, NamesWorkForEveryTaskThatHasTheField) {
  const std::string row =
      R"({"q": "Why?", "choices": ["a", "b", "c", "d"], "answer": 2, "subject": "x"})";
  const auto items = read(row, {{"question", "q"}}, "mmlu");
  ASSERT_EQ(items.size(), 1U);
  EXPECT_THAT(items[0].contexts[0], HasSubstr("Why?\nA. a\n"));
  const std::string yes = R"({"passage": "p", "question": "q", "answer": false, "truth": 1})";
  EXPECT_EQ(read(yes, {}, "boolq")[0].answer, 0);
  EXPECT_EQ(read(yes, {{"label", "truth"}}, "boolq")[0].answer, 1);
}

TEST_F(ChoiceSetTest, RefusesNamesThatNothingHas) {
  Names names = kOwnNames;
  names["answer"] = "key";
  EXPECT_THAT(refusal(kOwnRow, names), AllOf(HasSubstr("no field \"key\" among"), HasSubstr("gold"),
                                             HasSubstr("--answer-field")));
  EXPECT_THAT(refusal(kOwnRow, {{"question", "stem"}}, "piqa"),
              AllOf(HasSubstr("invalid_argument"), HasSubstr("--question-field"),
                    HasSubstr("piqa, whose rows have no question")));
}

TEST_F(ChoiceSetTest, ARowInOtherNamesIsToldHowToNameThem) {
  EXPECT_THAT(refusal(kOwnRow, {}), HasSubstr("name its fields: --context-field, --question-field, "
                                              "--choices-field, --answer-field"));
  EXPECT_THAT(refusal(kOwnRow, {}, "piqa"), Not(HasSubstr("-field")));
}

}  // namespace
}  // namespace expertoire
