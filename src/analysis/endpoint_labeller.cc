#include "analysis/endpoint_labeller.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace expertoire {
namespace {

constexpr const char* kLabelSystem =
    "You study a part of a neural network that reads text. You get excerpts in which the token "
    "that this part responded to most is between << and >>. The part sees only what lies before a "
    "token and the token itself. Say what the marked tokens or their contexts have in common, as "
    "exactly as the excerpts allow, in at most 20 words. Answer with one line: LABEL: and the "
    "description.";
constexpr const char* kDetectionSystem =
    "You get the description of what a part of a neural network responds to, and numbered "
    "excerpts. Decide for each excerpt whether the part responds to any token of it. Answer with "
    "a JSON list of one 0 (no) or 1 (yes) for each excerpt, in order, and nothing else.";
constexpr const char* kFuzzingSystem =
    "You get the description of what a part of a neural network responds to, and numbered "
    "excerpts with one token between << and >>. Decide for each excerpt whether the part responds "
    "to the marked token. Answer with a JSON list of one 0 (no) or 1 (yes) for each excerpt, in "
    "order, and nothing else.";

// Line ends would make several excerpts of one.
std::string on_one_line(std::string text) {
  size_t at = 0;
  while ((at = text.find('\n', at)) != std::string::npos) text.replace(at, 1, "\\n");
  return text;
}

std::string trimmed(const std::string& text) {
  constexpr const char* kBlank = " \t\r\n\"";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// 0, 1, false or true.
std::optional<bool> verdict_of(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value == 0) return false;
  if (value == 1) return true;
  return std::nullopt;
}

}  // namespace

ChatQuestion label_question(std::span<const ContextWindow> windows) {
  ChatQuestion question{kLabelSystem, "", 80};
  for (size_t i = 0; i < windows.size(); ++i) {
    question.user += fmt::format("{}. {}\n", i + 1, on_one_line(window_text(windows[i], true)));
  }
  return question;
}

std::string read_label(const std::string& answer) {
  constexpr std::string_view kHead = "LABEL:";
  const size_t head = answer.find(kHead);
  std::string text =
      trimmed(head == std::string::npos ? answer : answer.substr(head + kHead.size()));
  return trimmed(text.substr(0, text.find('\n')));
}

ChatQuestion judge_question(const std::string& label, std::span<const LabelItem* const> items) {
  const bool marks = items.front()->task == LabelTask::kFuzzing;
  ChatQuestion question{marks ? kFuzzingSystem : kDetectionSystem,
                        fmt::format("Description: {}\n\n", on_one_line(label)),
                        static_cast<int>(8 * items.size() + 32)};
  for (size_t i = 0; i < items.size(); ++i) {
    question.user +=
        fmt::format("{}. {}\n", i + 1, on_one_line(window_text(items[i]->window, marks)));
  }
  return question;
}

std::optional<std::vector<bool>> read_verdicts(const std::string& answer, size_t count) {
  for (size_t begin = answer.find('['); begin != std::string::npos;
       begin = answer.find('[', begin + 1)) {
    const size_t end = answer.find(']', begin);
    if (end == std::string::npos) break;
    const auto list = nlohmann::json::parse(answer.substr(begin, end + 1 - begin), nullptr, false);
    if (!list.is_array() || list.size() != count) continue;
    std::vector<bool> verdicts;
    for (const nlohmann::json& one : list) {
      if (const std::optional<bool> verdict = verdict_of(one)) verdicts.push_back(*verdict);
    }
    if (verdicts.size() == count) return verdicts;
  }
  return std::nullopt;
}

void EndpointLabeller::learn(std::vector<UnitEvidence> units) {
  for (UnitEvidence& unit : units) {
    if (unit.windows.size() > kContextsShown) unit.windows.resize(kContextsShown);
    windows_.push_back(std::move(unit.windows));
    labels_.emplace_back();
  }
}

std::string EndpointLabeller::text(size_t unit) {
  std::optional<std::string>& label = labels_.at(unit);
  if (!label) {
    label = read_label(ask_(label_question(windows_[unit])));
    if (label->empty()) ++unusable_;
  }
  return *label;
}

void EndpointLabeller::judge_some(const std::string& label, std::span<const LabelItem* const> items,
                                  std::vector<bool>& verdicts) {
  const auto read = read_verdicts(ask_(judge_question(label, items)), items.size());
  if (!read) ++unusable_;
  const std::vector<bool> none(items.size(), false);
  const std::vector<bool>& found = read ? *read : none;
  verdicts.insert(verdicts.end(), found.begin(), found.end());
}

std::vector<bool> EndpointLabeller::judge(size_t unit, std::span<const LabelItem> items) {
  const std::string label = text(unit);
  std::vector<bool> verdicts(items.size());
  for (size_t task = 0; task < std::size(kLabelTaskNames); ++task) {
    std::vector<size_t> places;
    std::vector<const LabelItem*> asked;
    for (size_t i = 0; i < items.size(); ++i) {
      if (static_cast<size_t>(items[i].task) != task) continue;
      places.push_back(i);
      asked.push_back(&items[i]);
    }
    std::vector<bool> found;
    for (size_t begin = 0; begin < asked.size(); begin += kItemsPerQuestion) {
      const size_t size = std::min(kItemsPerQuestion, asked.size() - begin);
      judge_some(label, std::span<const LabelItem* const>(asked).subspan(begin, size), found);
    }
    for (size_t i = 0; i < places.size(); ++i) verdicts[places[i]] = found[i];
  }
  return verdicts;
}

}  // namespace expertoire
