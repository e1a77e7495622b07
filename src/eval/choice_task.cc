#include "eval/choice_task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "eval/hellaswag.h"

namespace expertoire {
namespace {

using nlohmann::json;

// "A. first\nB. second\n …"
std::string lettered(const std::string& list) {
  return "{% for choice in " + list +
         " %}{{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[loop.index0]}}. {{choice}}\n{% endfor %}";
}

constexpr const char* kOfLabels =
    "{% for label in choices.label %}"
    "{% if label == answerKey.strip() %}{{loop.index0}}{% endif %}{% endfor %}";
constexpr const char* kArcText = "Question: {{question}}\nAnswer:";
constexpr const char* kTexts = "{{choices.text|tojson}}";

}  // namespace

// One table. NOLINTNEXTLINE(readability-function-size)
const std::vector<ChoiceTask>& choice_tasks() {
  static const std::vector<ChoiceTask> tasks = {
      {.name = kOwnTask,
       .fields = "context|question choices answer",
       .text = "{% if context is defined %}{{context}}{% else %}{{question}}{% endif %}",
       .choices = "{{choices|tojson}}",
       .answer = "{{answer}}"},
      {.name = "mmlu",
       .fields = "question choices answer subject",
       .text = "{{question.strip()}}\n" + lettered("choices") + "Answer:",
       .choices = R"(["A", "B", "C", "D"])",
       .answer = "{{answer}}",
       .description = "The following are multiple choice questions (with answers) about "
                      "{{subject.replace('_', ' ')}}.\n\n",
       .category = "subject",
       .category_shots = true,
       .norm = false},
      {.name = "mmlu_pro",  // lm-eval's leaderboard_mmlu_pro: the task mmlu_pro generates
       .fields = "question options answer category",
       .text = "{{question}}\n" + lettered("options") + "Answer:",
       .choices = "[{% for option in options %}\"{{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[loop.index0]}}\""
                  "{% if not loop.last %},{% endif %}{% endfor %}]",
       .answer = "{% for option in options %}"
                 "{% if 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[loop.index0] == answer %}{{loop.index0}}"
                 "{% endif %}{% endfor %}",
       .delimiter = "",
       .category = "category",
       .norm = false},
      {.name = "arc_easy",
       .fields = "question choices answerKey",
       .text = kArcText,
       .choices = kTexts,
       .answer = kOfLabels},
      {.name = "arc_challenge",
       .fields = "question choices answerKey",
       .text = kArcText,
       .choices = kTexts,
       .answer = kOfLabels,
       .main = "acc_norm"},
      {.name = "winogrande",
       .fields = "sentence option1 option2 answer",
       .text = "",
       .choices = "{{[sentence.split('_', 1)[0] ~ option1, sentence.split('_', 1)[0] ~ option2]"
                  "|tojson}}",
       .answer = "{% if answer|string == '1' %}0{% elif answer|string == '2' %}1{% endif %}",
       .target = "{{sentence.split('_', 1)[1].strip()}}",
       .norm = false},
      {.name = "piqa",
       .fields = "goal sol1 sol2 label",
       .text = "Question: {{goal}}\nAnswer:",
       .choices = "{{[sol1, sol2]|tojson}}",
       .answer = "{{label}}",
       .main = "acc_norm"},
      {.name = "social_iqa",
       .fields = "context question answerA answerB answerC label",
       .text = "Q: {{context}} {{question}}\nA:",
       .choices = "{{[answerA, answerB, answerC]|tojson}}",
       .answer = "{% for one in ['1', '2', '3'] %}"
                 "{% if one == label|string %}{{loop.index0}}{% endif %}{% endfor %}",
       .norm = false},
      {.name = "openbookqa",
       .fields = "question_stem choices answerKey",
       .text = "{{question_stem}}",
       .choices = kTexts,
       .answer = kOfLabels,
       .main = "acc_norm"},
      {.name = "commonsense_qa",
       .fields = "question choices answerKey",
       .text = "Question: {{question.strip()}}\n" + lettered("choices.text") + "Answer:",
       .choices = R"(["A", "B", "C", "D", "E"])",
       .answer = kOfLabels,
       .norm = false},
      {.name = "boolq",
       .fields = "passage question answer|label",
       .text = "{{passage}}\nQuestion: {{question}}?\nAnswer:",
       .choices = R"(["no", "yes"])",
       .answer = "{% if label is defined %}{{label}}{% elif answer %}1{% else %}0{% endif %}",
       .norm = false},
      {.name = "sciq",
       .fields = "support question distractor1 distractor2 distractor3 correct_answer",
       .text = "{{support.lstrip()}}\nQuestion: {{question}}\nAnswer:",
       .choices = "{{[distractor1, distractor2, distractor3, correct_answer]|tojson}}",
       .answer = "3"},
      {.name = "hellaswag",
       .fields = "activity_label ctx_a ctx_b endings label",
       .text = "{{query}}",
       .choices = "{{choices|tojson}}",
       .answer = "{{label}}",
       .main = "acc_norm",
       .prepare = prepare_hellaswag},
  };
  return tasks;
}

std::vector<std::string> field_names(const ChoiceTask& task) {
  std::vector<std::string> names(1);
  for (const char c : task.fields) {
    if (c == ' ' || c == '|') {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  return names;
}

const ChoiceTask& choice_task(const std::string& name) {
  std::vector<std::string> names;
  for (const ChoiceTask& task : choice_tasks()) {
    if (task.name == name) return task;
    names.push_back(task.name);
  }
  throw Error(ErrorCode::kInvalidArgument, {"choosing a task", "\"" + name + "\"",
                                            fmt::format("one of {}", fmt::join(names, ", ")), ""});
}

}  // namespace expertoire
