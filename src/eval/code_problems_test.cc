#include "eval/code_problems.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kRow =
    R"({"name": "HumanEval_23_strlen", "language": "rs", "prompt": "fn strlen() {\n",
 "tests": "}\n", "test": "other", "stop_tokens": ["\n}"]})";

constexpr const char* kPlainRow =
    "{\"task_id\": \"Python/0\", \"prompt\": \"def f():\\n\", \"test\": \"check(f)\"}\n";

std::string one_line(std::string text) {
  std::erase(text, '\n');
  return text + "\n";
}

class CodeProblemsTest : public testing::Test {
 protected:
  std::vector<CodeProblem> read(const std::string& rows, const std::string& language = "") {
    dir_.write("rows.jsonl", rows);
    return read_code_problems(dir_.file("rows.jsonl"), language);
  }
  std::string refusal(const std::string& rows) {
    return test::error_of([&] { read(rows); })->what();
  }
  test::TempDir dir_;
};

TEST_F(CodeProblemsTest, RowsOfBothForms) {
  const CodeProblem rust = read(one_line(kRow)).at(0);
  EXPECT_EQ(rust.name, "HumanEval_23_strlen");
  EXPECT_EQ(rust.language, "rs");
  EXPECT_EQ(rust.prompt, "fn strlen() {\n");
  EXPECT_EQ(rust.tests, "}\n");
  EXPECT_THAT(rust.stop, ElementsAre("\n}"));
  const CodeProblem python = read(kPlainRow, "py").at(0);
  EXPECT_EQ(python.name, "Python_0");
  EXPECT_EQ(python.language, "py");
  EXPECT_EQ(python.tests, "check(f)");
  EXPECT_THAT(python.stop, IsEmpty());
}

TEST_F(CodeProblemsTest, WhatIsNoProblemIsRefused) {
  EXPECT_THAT(refusal(kPlainRow), HasSubstr("--language"));
  EXPECT_THAT(refusal(one_line(kRow) + one_line(kRow)), HasSubstr("line 2"));
  for (const char* name : {"../up", "", ".hidden"}) {
    std::string row = one_line(kRow);
    row.replace(row.find("HumanEval_23_strlen"), 19, name);
    EXPECT_THAT(refusal(row), HasSubstr("a file can have")) << name;
  }
  std::string row = one_line(kRow);
  row.replace(row.find("[\"\\n}\"]"), 7, "[7]");
  EXPECT_THAT(refusal(row), HasSubstr("stop token"));
}

TEST_F(CodeProblemsTest, CompletionsEndBeforeTheFirstStopText) {
  EXPECT_EQ(cut_at_stop("  return 1\n}\nfn", {"\nfn", "\n}"}), "  return 1");
  EXPECT_EQ(cut_at_stop("  return 1", {"\n}"}), "  return 1");
  EXPECT_EQ(cut_at_stop("abc", {}), "abc");
}

TEST_F(CodeProblemsTest, TheFormHasTheFieldsOfMultiPLE) {
  const nlohmann::json form =
      completed_problem(read(one_line(kRow))[0], {0.2, 0.9, 64}, {"a", "b"});
  std::vector<std::string> fields;
  for (const auto& [field, value] : form.items()) fields.push_back(field);
  EXPECT_THAT(fields, ElementsAre("completions", "language", "max_tokens", "name", "prompt",
                                  "stop_tokens", "temperature", "tests", "top_p"));
  EXPECT_THAT(form["completions"].get<std::vector<std::string>>(), ElementsAre("a", "b"));
  EXPECT_EQ(form["max_tokens"], 64);
}

}  // namespace
}  // namespace expertoire
