#include "tokenizer/pattern.h"

#include "io/json.h"
#include "tokenizer/spec.h"

namespace expertoire {

using tokenizer_json::json;

Pattern::Pattern(const json& component) {
  if (!tokenizer_json::at(component, "Regex").is_null()) {
    regex_.emplace(tokenizer_json::text(component, "Regex", ""));
  } else if (!tokenizer_json::at(component, "String").is_null()) {
    literal_ = tokenizer_json::text(component, "String", "");
    if (literal_.empty()) tokenizer_json::bad("an empty pattern", "text to look for");
  } else {
    tokenizer_json::bad("the pattern " + in_short(component), "{\"String\": …} or {\"Regex\": …}");
  }
}

std::vector<Match> Pattern::find_all(std::string_view text) const {
  if (regex_) return regex_->find_all(text);
  std::vector<Match> matches;
  for (size_t at = text.find(literal_); at != std::string_view::npos;
       at = text.find(literal_, at + literal_.size())) {
    matches.push_back({at, at + literal_.size()});
  }
  return matches;
}

std::string Pattern::replace_all(const std::string& text, const std::string& content) const {
  std::string result;
  size_t at = 0;
  for (const Match& match : find_all(text)) {
    result.append(text, at, match.begin - at).append(content);
    at = match.end;
    tokenizer_json::check_growth("Replace", text.size(), result.size());
  }
  return result.append(text, at);
}

}  // namespace expertoire
