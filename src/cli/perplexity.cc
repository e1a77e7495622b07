// expertoire perplexity
#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/document_scorer.h"
#include "io/json.h"

namespace expertoire::cli {
namespace {

struct Options {
  ScoringOptions scoring;
  std::string input, field = "text";
  bool json = false;
};

TextScore score_documents(const Options& options, LoadedModel& loaded) {
  const auto about = [&] {
    return nlohmann::json{{"input", file_hash(options.input)}, {"field", options.field}};
  };
  DocumentScorer scorer(options.scoring, loaded, about);
  TextScore totals;
  for (const TextScore& score : score_file(scorer, "model", options.input, options.field)) {
    totals += score;
  }
  scorer.finish();
  return totals;
}

void perplexity(const Options& options) {
  LoadedModel loaded(options.scoring.model, true);
  const TextScore totals = score_documents(options, loaded);
  if (totals.scored == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring " + options.input, "no text of two tokens or more", "", ""});
  }
  if (options.json) {
    print_json({{"perplexity", totals.perplexity()},
                {"nll_mean", totals.nll_mean()},
                {"bits_per_byte", totals.bits_per_byte()},
                {"documents", totals.documents},
                {"tokens", totals.tokens},
                {"scored_tokens", totals.scored},
                {"bytes", totals.bytes},
                {"scored_bytes", totals.scored_bytes},
                {"provenance", loaded.provenance(options.scoring.model)}});
  } else {
    fmt::print("perplexity {:.4f}, {:.5f} nats a token, {:.5f} bits a byte ({} tokens)\n",
               totals.perplexity(), totals.nll_mean(), totals.bits_per_byte(), totals.scored);
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->scoring.add_to(app);
  app.add_option("--input,--data", options->input,
                 "A .jsonl or .json (each line by itself), or any other file as one text")
      ->required();
  app.add_option("--field,--text-field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { perplexity(*options); };
}

}  // namespace

extern const Command kPerplexityCommand = {"perplexity", "How well a model predicts a text", setup};

}  // namespace expertoire::cli
