// expertoire perplexity
#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/text_scores.h"
#include "cli/window_options.h"

namespace expertoire::cli {
namespace {

struct Options {
  ModelOptions model{kExpertsModel};
  std::string input, field = "text";
  WindowOptions windows;
  bool json = false;
};

void perplexity(const Options& options) {
  LoadedModel loaded(options.model, true);
  TextScore totals;
  for (const TextScore& score : score_file(loaded, options.input, options.field, options.windows)) {
    totals += score;
  }
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
                {"provenance", loaded.provenance(options.model)}});
  } else {
    fmt::print("perplexity {:.4f}, {:.5f} nats a token, {:.5f} bits a byte ({} tokens)\n",
               totals.perplexity(), totals.nll_mean(), totals.bits_per_byte(), totals.scored);
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.add_option("--input", options->input,
                 "A .jsonl or .json (each line by itself), or any other file as one text")
      ->required();
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  add_window_options(app, options->windows);
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { perplexity(*options); };
}

}  // namespace

void add_window_options(CLI::App& app, WindowOptions& windows) {
  app.add_option("--context", windows.context,
                 "Tokens of a window (default: the model's, at most 2048)")
      ->check(CLI::PositiveNumber);
  app.add_option("--stride", windows.stride, "Tokens between windows (default: half of that)")
      ->check(CLI::PositiveNumber);
}

extern const Command kPerplexityCommand = {"perplexity", "How well a model predicts a text", setup};

}  // namespace expertoire::cli
