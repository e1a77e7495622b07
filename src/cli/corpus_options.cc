#include "cli/corpus_options.h"

#include <charconv>

#include "base/error.h"
#include "cli/common.h"

namespace expertoire::cli {
HoldOut parse_hold_out(const std::string& text) {
  HoldOut rule;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, rule.index);
  const bool slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  const auto second = slash ? std::from_chars(first.ptr + 1, end, rule.every) : first;
  const bool sound = slash && second.ec == std::errc() && second.ptr == end && rule.every > 1 &&
                     rule.index >= 0 && rule.index < rule.every;
  if (sound) return rule;
  throw Error(
      ErrorCode::kInvalidArgument,
      {"reading --hold-out", text, "INDEX/EVERY, as 7/10: number 7 (from 0) of every 10", ""});
}

void CorpusFlags::add_to(CLI::App& app) {
  app.add_option("--input", corpus.inputs,
                 "Corpus: .jsonl or .txt files, also .gz, or folders of them")
      ->required()
      ->expected(1, -1);
  app.add_option("--field", corpus.text_field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_option("--label-field", corpus.label_field,
                 "Field that holds a document's label (default: the name of its file)");
  app.add_option("--name-field", corpus.name_field,
                 "Field that names a document (default: file and line)");
  auto* rule = app.add_option("--hold-out", hold_out,
                              "INDEX/EVERY: which documents of each file are held out, as 7/10");
  app.add_option("--part", part, "all, train (not held out) or held-out")
      ->capture_default_str()
      ->needs(rule);
}

CorpusOptions CorpusFlags::options() const {
  CorpusOptions options = corpus;
  options.part = choose_enum<CorpusPart>("--part", part, kCorpusPartNames);
  if (!hold_out.empty()) options.hold_out = parse_hold_out(hold_out);
  return options;
}

}  // namespace expertoire::cli
