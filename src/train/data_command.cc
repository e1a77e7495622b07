// expertoire-train data, documents
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string_view>

#include "base/error.h"
#include "cli/common.h"
#include "io/refuse.h"
#include "train/commands.h"
#include "train/corpus.h"

namespace expertoire::train {
namespace {

using nlohmann::json;

struct Options {
  std::vector<std::vector<std::string>> inputs;
  std::vector<std::string> sources;
  std::string rows;
  CorpusOptions corpus;

  void add_to(CLI::App& app) {
    app.add_option("--input", inputs,
                   "Files of one collection: .jsonl, .txt, also with .gz; once for each --source")
        ->required();
    app.add_option("--source", sources,
                   "NAME:LICENCE of the collection of the --input at the same place, or "
                   "NAME:@FIELD where each row names its licence")
        ->required()
        ->allow_extra_args(false);
    app.add_option("--field", corpus.field, "Field of a .jsonl that holds the text")
        ->capture_default_str();
    HoldOut& rule = corpus.hold_out;
    app.add_option("--hold-out", rule.every,
                   "Hold out one of so many documents of a file (0: none)")
        ->capture_default_str();
    app.add_option("--hold-out-index", rule.index, "Which of them, from 0 (default: the last)");
    app.add_option("--piece", rule.piece,
                   "Characters of a plain text that count as one document for the rule")
        ->capture_default_str();
    app.add_option("--hold-out-rows", rows,
                   "FIELD=VALUE: rows of a .jsonl that are held out besides, if it has the field");
  }

  CorpusOptions parse(const CLI::App& app) const;
};

std::pair<std::string, std::string> cut(const std::string& option, const std::string& text,
                                        char mark) {
  const size_t at = text.find(mark);
  if (at != std::string::npos && at > 0 && at + 1 < text.size()) {
    return {text.substr(0, at), text.substr(at + 1)};
  }
  throw Error(ErrorCode::kInvalidArgument, {"reading " + option, in_quotes(text),
                                            fmt::format("two words with {} between", mark), ""});
}

CorpusOptions Options::parse(const CLI::App& app) const {
  if (inputs.size() != sources.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading --source",
                 fmt::format("{} of them for {} --input", sources.size(), inputs.size()),
                 "one for each --input, in the same order", ""});
  }
  CorpusOptions parsed = corpus;
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto [name, licence] = cut("--source", sources[i], ':');
    parsed.groups.push_back({std::move(name), std::move(licence), inputs[i]});
  }
  HoldOut& rule = parsed.hold_out;
  if (app.count("--hold-out-index") == 0 && rule.every > 0) rule.index = rule.every - 1;
  if (!rows.empty()) std::tie(rule.field, rule.value) = cut("--hold-out-rows", rows, '=');
  parsed.cancel = &cli::interrupt_token();
  return parsed;
}

// What one source has in both splits together, and how much of it is held out.
struct SourceSums {
  std::string source;
  int64_t documents = 0, bytes = 0, tokens = 0, held_out_documents = 0, held_out_tokens = 0;

  void add(const CorpusFile& file) {
    documents += file.train.documents + file.held_out.documents;
    bytes += file.train.bytes + file.held_out.bytes;
    tokens += file.train.tokens + file.held_out.tokens;
    held_out_documents += file.held_out.documents;
    held_out_tokens += file.held_out.tokens;
  }
  double bytes_per_token() const {
    return tokens == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(tokens);
  }
};

std::vector<SourceSums> sums_of(const Manifest& manifest) {
  std::vector<SourceSums> sums;
  SourceSums all{.source = "all"};
  for (const CorpusFile& file : manifest.files) {
    if (sums.empty() || sums.back().source != file.source) sums.push_back({.source = file.source});
    sums.back().add(file);
    all.add(file);
  }
  if (sums.size() != 1) sums.push_back(all);
  return sums;
}

void print_summary(const Manifest& manifest, const std::string& out) {
  fmt::print("{:<16} {:>9} {:>9} {:>12} {:>11} {:>9} {:>12}\n", "source", "documents", "MB",
             "tokens", "bytes/token", "held out", "its tokens");
  for (const SourceSums& sum : sums_of(manifest)) {
    fmt::print("{:<16} {:>9} {:>9.2f} {:>12} {:>11.3f} {:>9} {:>12}\n", sum.source, sum.documents,
               static_cast<double>(sum.bytes) / 1e6, sum.tokens, sum.bytes_per_token(),
               sum.held_out_documents, sum.held_out_tokens);
  }
  fmt::print("written to {}\n", out);
}

void print_summary_json(const Manifest& manifest, const std::string& out) {
  json rows = json::array();
  for (const SourceSums& sum : sums_of(manifest)) {
    rows.push_back({{"source", sum.source},
                    {"documents", sum.documents},
                    {"bytes", sum.bytes},
                    {"tokens", sum.tokens},
                    {"bytes_per_token", sum.bytes_per_token()},
                    {"held_out_documents", sum.held_out_documents},
                    {"held_out_tokens", sum.held_out_tokens}});
  }
  cli::print_json({{"out", out}, {"sources", rows}});
}

struct DataOptions : Options {
  std::string tokenizer, eos, out;
  bool json = false;
};

void make_shards(const DataOptions& options, const CLI::App& app) {
  CorpusOptions corpus = options.parse(app);
  cli::ProgressBar bar("tokens");
  corpus.progress = [&](int64_t tokens, double fraction) { bar.update(tokens, fraction); };
  const Manifest manifest = build_corpus(corpus, options.tokenizer, options.eos, options.out);
  if (options.json) {
    print_summary_json(manifest, options.out);
  } else {
    print_summary(manifest, options.out);
  }
}

std::function<void()> setup_data(CLI::App& app) {
  auto options = std::make_shared<DataOptions>();
  app.add_option("--tokenizer", options->tokenizer, "A folder with tokenizer.json, or that file")
      ->required();
  options->add_to(app);
  app.add_option("--eos", options->eos,
                 "Token that ends a document (default: eos_token of tokenizer_config.json)");
  app.add_option("--out", options->out, "Folder to make")->required();
  app.add_flag("--json", options->json, "The summary as JSON");
  return [options, &app] { make_shards(*options, app); };
}

struct DocumentsOptions : Options {
  std::string split = "train";
};

void print_documents(const DocumentsOptions& options, const CLI::App& app) {
  constexpr std::string_view kSplits[] = {"train", "held_out"};
  const bool held_out = cli::choose("--split", options.split, {kSplits[0], kSplits[1]}) == 1;
  CorpusOptions corpus = options.parse(app);
  cli::ProgressBar bar("documents");
  int64_t documents = 0;
  corpus.progress = [&](int64_t, double fraction) { bar.update(documents, fraction); };
  for_each_document(
      corpus, [&](const CorpusGroup& group, const std::string& file, const Document& document) {
        if (document.held_out != held_out) return;
        ++documents;
        cli::print_json({{"source", group.source}, {"file", file}, {"text", document.text}});
      });
}

std::function<void()> setup_documents(CLI::App& app) {
  auto options = std::make_shared<DocumentsOptions>();
  options->add_to(app);
  app.add_option("--split", options->split, "train or held_out")->capture_default_str();
  return [options, &app] { print_documents(*options, app); };
}

}  // namespace

const cli::Command kDataCommand = {"data", "Texts to token shards with a manifest", setup_data};
const cli::Command kDocumentsCommand = {
    "documents", "The documents of a split as JSON Lines, for training a tokenizer",
    setup_documents};

}  // namespace expertoire::train
