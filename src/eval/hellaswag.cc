#include "eval/hellaswag.h"

#include <utf8proc.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tokenizer/jinja_text.h"
#include "tokenizer/unicode.h"

namespace expertoire {
namespace {

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// re.sub(r"\[.*?\]", "", text): a dot is no line feed.
std::string without_brackets(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t close = text[at] == '[' ? text.find_first_of("]\n", at + 1) : std::string::npos;
    if (close != std::string::npos && text[close] == ']') {
      at = close + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

// str.capitalize
std::string capitalized(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += utf8_length(text[at])) {
    const auto code = static_cast<utf8proc_int32_t>(utf8_front(std::string_view(text).substr(at)));
    append_utf8(static_cast<uint32_t>(at == 0 ? utf8proc_totitle(code) : utf8proc_tolower(code)),
                out);
  }
  return out;
}

std::string cleaned(const std::string& text) {
  const std::string stripped(jinja::strip(text));
  return replace_all(without_brackets(replace_all(stripped, " [title]", ". ")), "  ", " ");
}

}  // namespace

nlohmann::json prepare_hellaswag(const nlohmann::json& row) {
  nlohmann::json out = row;
  out["query"] = cleaned(row.at("activity_label").get<std::string>() + ": " +
                         row.at("ctx_a").get<std::string>() + " " +
                         capitalized(row.at("ctx_b").get<std::string>()));
  out["choices"] = nlohmann::json::array();
  for (const nlohmann::json& ending : row.at("endings")) {
    out["choices"].push_back(cleaned(ending.get<std::string>()));
  }
  return out;
}

}  // namespace expertoire
