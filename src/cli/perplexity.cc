// expertoire perplexity
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "engine/score.h"
#include "io/json.h"
#include "io/text_source.h"

namespace expertoire::cli {
namespace {

struct Options {
  ModelOptions model{kExpertsModel};
  std::string input, field = "text";
  int64_t context = 0, stride = 0;
  bool json = false;
};

struct Totals {
  int64_t documents = 0, tokens = 0, scored = 0, bytes = 0, scored_bytes = 0;
  double nats = 0;
};

// Bytes of the characters that scored tokens complete. The first token is never scored: it is BOS,
// which has none, or the text's own.
int64_t scored_bytes(const Tokenizer& tokenizer, const std::string& text,
                     const std::vector<int32_t>& ids) {
  if (ids.size() < 2) return 0;
  return static_cast<int64_t>(text.size() - StreamDecoder(tokenizer).push(ids[0]).size());
}

void add_document(const Options& options, LoadedModel& loaded, const Tokenizer& tokenizer,
                  const std::string& text, Totals& totals) {
  const std::vector<int32_t> ids = tokenizer.encode(text);
  const int64_t most = loaded.model->config().max_position_embeddings;
  const int64_t context = options.context > 0 ? options.context : std::min<int64_t>(most, 2048);
  const int64_t stride = options.stride > 0 ? options.stride : std::max<int64_t>(1, context / 2);
  ProgressBar bar("tokens");
  const auto progress = [&](int64_t done, int64_t total) {
    interrupt_token().check("scoring");
    bar.update(done, static_cast<double>(done) / static_cast<double>(total));
  };
  const std::vector<double> scores =
      sliding_log_probs(*loaded.session, ids, context, stride, progress);
  for (double score : scores) totals.nats -= score;
  ++totals.documents;
  totals.tokens += static_cast<int64_t>(ids.size());
  totals.scored += static_cast<int64_t>(scores.size());
  totals.bytes += static_cast<int64_t>(text.size());
  totals.scored_bytes += scored_bytes(tokenizer, text, ids);
}

void perplexity(const Options& options) {
  LoadedModel loaded(options.model, true);
  const Tokenizer tokenizer = loaded.tokenizer();
  Totals totals;
  if (names_json_lines(options.input)) {
    TextSource texts(options.input, options.field);
    while (const auto text = texts.next()) {
      add_document(options, loaded, tokenizer, *text, totals);
    }
  } else {
    add_document(options, loaded, tokenizer, read_text_file(options.input), totals);
  }
  if (totals.scored == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                {"scoring " + options.input, "no text of two tokens or more", "", ""});
  }
  const double mean = totals.nats / static_cast<double>(totals.scored);
  const double bits = totals.nats / std::log(2.0) / static_cast<double>(totals.scored_bytes);
  if (options.json) {
    print_json({{"perplexity", std::exp(mean)},
                {"nll_mean", mean},
                {"bits_per_byte", bits},
                {"documents", totals.documents},
                {"tokens", totals.tokens},
                {"scored_tokens", totals.scored},
                {"bytes", totals.bytes},
                {"scored_bytes", totals.scored_bytes},
                {"provenance", loaded.provenance(options.model)}});
  } else {
    fmt::print("perplexity {:.4f}, {:.5f} nats a token, {:.5f} bits a byte ({} tokens)\n",
               std::exp(mean), mean, bits, totals.scored);
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
  app.add_option("--context", options->context, "Tokens of a window (default: the model's, 2048)")
      ->check(CLI::PositiveNumber);
  app.add_option("--stride", options->stride, "Tokens between windows (default: half of that)")
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { perplexity(*options); };
}

}  // namespace

extern const Command kPerplexityCommand = {"perplexity", "How well a model predicts a text", setup};

}  // namespace expertoire::cli
