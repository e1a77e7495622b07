#include "embed/prompt.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace expertoire {
namespace {

constexpr std::string_view kPaperSlot = "*sent 0*";
constexpr std::string_view kOwnSlot = "{text}";

[[noreturn]] void refuse(const std::string& spec, std::string found) {
  std::vector<std::string_view> names;
  for (const NamedPrompt& prompt : named_prompts()) names.push_back(prompt.name);
  throw Error(
      ErrorCode::kInvalidArgument,
      {fmt::format("reading the prompt \"{}\"", spec), std::move(found),
       fmt::format("one of {}, or a template with one {{text}}", fmt::join(names, ", ")), ""});
}

// White space as Python's str.strip sees it, at the front of UTF-8 text; 0 if none.
size_t space_at(std::string_view text) {
  static constexpr std::string_view kWide[] = {
      "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
      "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
      "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
      "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
  const unsigned char first = static_cast<unsigned char>(text[0]);
  if (first == ' ' || (first >= 0x09 && first <= 0x0d) || (first >= 0x1c && first <= 0x1f))
    return 1;
  for (std::string_view wide : kWide) {
    if (text.starts_with(wide)) return wide.size();
  }
  return 0;
}

std::string stripped(std::string_view text) {
  while (!text.empty() && space_at(text) > 0) text.remove_prefix(space_at(text));
  for (;;) {
    size_t length = 0;
    for (size_t n = 1; n <= std::min<size_t>(3, text.size()); ++n) {
      if (space_at(text.substr(text.size() - n)) == n) length = n;
    }
    if (length == 0) return std::string(text);
    text.remove_suffix(length);
  }
}

}  // namespace

const std::vector<NamedPrompt>& named_prompts() {
  constexpr std::string_view kTable2 = "MoEE paper, Table 2";
  static const std::vector<NamedPrompt> list = {
      {"none", "", "the bare text"},
      {"quoted", "\"*sent 0*\"", "what the MoEE paper's code calls none"},
      {"prompteol", "This sentence : \"*sent 0*\" means in one word:\"",
       "PromptEOL, arXiv 2307.16645"},
      {"style", "In one word, describe the style of the following sentence - \"*sent 0*\" :\"",
       kTable2},
      {"sentiment",
       "In one word, describe the sentiment of the following sentence (positive, neutral, or "
       "negative) - \"*sent 0*\" :",
       kTable2},
      {"tone",
       "In one word, describe the tone of the following sentence - \"*sent 0*\" (e.g., formal, "
       "informal, humorous, serious):",
       kTable2},
      {"intent",
       "In one word, describe the intent behind the following sentence (e.g., request, "
       "suggestion, command) - \"*sent 0*\" :",
       kTable2},
      {"complexity",
       "In one word, rate the complexity of the following sentence (simple, moderate, complex) - "
       "\"*sent 0*\" :",
       kTable2},
      {"subjectivity",
       "In one word, describe whether the following sentence is subjective or objective - "
       "\"*sent 0*\" :",
       kTable2},
      {"language_style",
       "In one word, describe the language style of the following sentence (e.g., academic, "
       "conversational, literary) - \"*sent 0*\" :",
       kTable2},
      {"grammar_structure",
       "In one word, describe the grammatical structure of the following sentence (simple, "
       "compound, complex) - \"*sent 0*\" :",
       kTable2}};
  return list;
}

Prompt Prompt::parse(const std::string& spec) {
  Prompt prompt;
  prompt.name_ = spec;
  std::string pattern = spec;
  for (const NamedPrompt& named : named_prompts()) {
    if (named.name != spec) continue;
    if (named.pattern.empty()) return prompt;
    pattern = named.pattern;
    prompt.clean_ = true;
  }
  const std::string_view slot = pattern.find(kOwnSlot) != std::string::npos ? kOwnSlot : kPaperSlot;
  const size_t at = pattern.find(slot);
  if (at == std::string::npos) refuse(spec, "neither a known name nor a template");
  if (pattern.find(slot, at + 1) != std::string::npos) refuse(spec, "the placeholder twice");
  prompt.bare_ = false;
  prompt.before_ = pattern.substr(0, at);
  prompt.after_ = pattern.substr(at + slot.size());
  return prompt;
}

std::string Prompt::apply(std::string_view text) const {
  if (bare_) return std::string(text);
  if (!clean_) return before_ + std::string(text) + after_;
  std::string cleaned(text);
  if (!cleaned.empty() && std::string_view(".?!\"'").find(cleaned.back()) == std::string::npos) {
    cleaned += '.';
  }
  std::replace(cleaned.begin(), cleaned.end(), '"', '\'');
  std::string prompted = before_ + cleaned + after_;
  std::replace(prompted.begin(), prompted.end(), '_', ' ');
  return stripped(prompted);
}

}  // namespace expertoire
