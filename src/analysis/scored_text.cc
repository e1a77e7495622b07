#include "analysis/scored_text.h"

#include <fmt/format.h>

#include <optional>

#include "base/error.h"
#include "eval/rows.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr const char* kAdvice = "docs/toxicity.md lists the forms of rows";

struct Scored {
  std::string text;
  double toxicity = 0;
};

// Nothing when the score is null.
std::optional<Scored> scored(const DataRow& row, const std::string& name, const json& text,
                             const json& toxicity) {
  if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
    row.refuse(fmt::format("the text of {} is {}", name, in_short(text)), "text", kAdvice);
  }
  if (toxicity.is_null()) return std::nullopt;
  if (!toxicity.is_number() || toxicity < 0 || toxicity > 1) {
    row.refuse(fmt::format("the toxicity of {} is {}", name, in_short(toxicity)),
               "a number from 0 to 1", kAdvice);
  }
  return Scored{text.get<std::string>(), toxicity.get<double>()};
}

std::optional<Scored> scored_object(const DataRow& row, const std::string& name) {
  const json& value = row.at(name);
  if (!value.is_object() || !value.contains("text") || !value.contains("toxicity")) {
    row.refuse(fmt::format("{} is {}", name, in_short(value)),
               "an object with a text and its toxicity", kAdvice);
  }
  return scored(row, name, value["text"], value["toxicity"]);
}

std::string with_line_breaks(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool line_break = text.substr(i, 2) == "\\n";
    out += line_break ? '\n' : text[i];
    if (line_break) ++i;
  }
  return out;
}

std::optional<ScoredText> labelled(const DataRow& row) {
  const std::string label = row.label("label");
  if (label != "hate" && label != "neutral") {
    row.refuse("the label " + in_quotes(label), "\"hate\" or \"neutral\"", kAdvice);
  }
  ScoredText text;
  text.prompt = with_line_breaks(row.text("prompt"));
  text.prompt_toxicity = label == "hate" ? 1 : 0;
  return text;
}

std::optional<ScoredText> read_row(const DataRow& row) {
  std::optional<Scored> prompt, continuation = Scored();
  if (row.has("prompt") && !row.at("prompt").is_object()) return labelled(row);
  if (row.has("prompt")) {
    prompt = scored_object(row, "prompt");
    continuation = scored_object(row, "continuation");
  } else {
    prompt = scored(row, "the row", row.at("text"), row.at("toxicity"));
  }
  if (!prompt || !continuation) return std::nullopt;
  return ScoredText{prompt->text, continuation->text, prompt->toxicity, continuation->toxicity};
}

}  // namespace

ScoredTexts read_scored_texts(const std::string& path, const HoldOut& hold_out) {
  ScoredTexts texts;
  int64_t number = 0;
  read_rows(path, {}, [&](const DataRow& row) {
    auto& part = hold_out.holds(number++) ? texts.held_out : texts.train;
    if (auto text = read_row(row)) {
      part.push_back(std::move(*text));
    } else {
      ++texts.without_score;
    }
  });
  if (texts.train.empty() || (hold_out.every > 0 && texts.held_out.empty())) {
    bad_file(path,
             fmt::format("{} rows to learn from and {} held out ({} without a score)",
                         texts.train.size(), texts.held_out.size(), texts.without_score),
             "rows of both", "give more rows, or hold out another share");
  }
  return texts;
}

}  // namespace expertoire
