#include "tokenizer/pattern.h"

#include "tokenizer/spec.h"

namespace expertoire {

using tokenizer_json::json;

Pattern::Pattern(const json& component) {
  if (component.is_object() && component.contains("Regex")) {
    regex_.emplace(tokenizer_json::text(component, "Regex", ""));
  } else if (component.is_object() && component.contains("String")) {
    literal_ = tokenizer_json::text(component, "String", "");
    if (literal_.empty()) tokenizer_json::bad("an empty pattern", "text to look for");
  } else {
    tokenizer_json::bad("the pattern " + component.dump(), "{\"String\": …} or {\"Regex\": …}");
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

}  // namespace expertoire
