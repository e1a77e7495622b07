#include "cli/eval_embedding.h"

#include <fmt/format.h>

#include "embed/pipeline.h"

namespace expertoire::cli {
namespace {

// A kind of embedding, and for sum one alpha.
struct Variant {
  EmbedCliOptions options;
  std::unique_ptr<Embedder> embedder;
  std::unique_ptr<CalibrationChoice> calibration;
};

std::vector<EmbedCliOptions> variant_options(const EmbeddingEvalOptions& options) {
  std::vector<EmbedCliOptions> all;
  for (const std::string& kind : options.kinds) {
    EmbedCliOptions one = options.embed;
    one.kind = kind;
    for (const double alpha : options.alphas) {
      one.alpha = alpha;
      all.push_back(one);
      if (kind != "sum") break;
    }
  }
  return all;
}

std::vector<Variant> variants(const EmbeddingEvalOptions& options, const LoadedModel& loaded,
                              const Tokenizer& tokenizer) {
  std::vector<Variant> all;
  for (const EmbedCliOptions& one : variant_options(options)) {
    auto embedder = std::make_unique<Embedder>(*loaded.session, tokenizer, one.parse());
    auto calibration = CalibrationChoice::choose(one, *embedder, loaded);
    all.push_back({one, std::move(embedder), std::move(calibration)});
  }
  return all;
}

// Computes both parts when any variant wants them: hidden comes with routing anyway.
EmbedOptions options_of_pass(const std::vector<Variant>& variants) {
  EmbedOptions pass = variants.front().embedder->options();
  for (const Variant& variant : variants) {
    const EmbedKind kind = variant.embedder->options().kind;
    if (kind != pass.kind) pass.kind = EmbedKind::kSum;
  }
  return pass;
}

std::vector<EmbedParts> embed_texts(Embedder& embedder, int64_t batch_tokens,
                                    const std::vector<std::string>& texts) {
  std::vector<EmbedParts> parts;
  ProgressBar bar("texts");
  EmbedPipeline pipeline(embedder, batch_tokens, [&](EmbedParts one) {
    parts.push_back(std::move(one));
    bar.update(static_cast<int64_t>(parts.size()),
               static_cast<double>(parts.size()) / static_cast<double>(texts.size()));
  });
  for (const std::string& text : texts) {
    interrupt_token().check("embedding");
    pipeline.add(text);
  }
  pipeline.flush();
  return parts;
}

TextVectors finish(const Variant& variant, std::vector<EmbedParts> parts) {
  TextVectors vectors(variant.embedder->dim());
  const auto size = static_cast<size_t>(variant.options.calibration_batch);
  const bool batch = variant.calibration->mode == CalibrationChoice::Mode::kBatch;
  for (size_t begin = 0; begin < parts.size(); begin += size) {
    const size_t end = std::min(begin + size, parts.size());
    std::vector<EmbedParts> some(std::make_move_iterator(parts.begin() + std::ptrdiff_t(begin)),
                                 std::make_move_iterator(parts.begin() + std::ptrdiff_t(end)));
    if (batch) standardize_batch(some);
    for (EmbedParts& one : some) {
      vectors.append(variant.embedder->combine(std::move(one), variant.calibration->set));
    }
  }
  return vectors;
}

nlohmann::json describe(const Variant& variant) {
  nlohmann::json about = {{"kind", variant.options.kind}, {"prompt", variant.options.prompt}};
  if (variant.options.kind == "sum") about["alpha"] = variant.options.alpha;
  const CalibrationChoice& calibration = *variant.calibration;
  about["calibration"] = calibration.mode == CalibrationChoice::Mode::kFitted ? calibration.path
                         : calibration.mode == CalibrationChoice::Mode::kBatch
                             ? fmt::format("batch of {}", variant.options.calibration_batch)
                             : "none";
  return about;
}

}  // namespace

void EmbeddingEvalOptions::add_to(CLI::App& app, const std::vector<std::string>& fields) {
  data.add_to(app, fields);
  app.add_option("--kind", kinds, "hidden, routing, concat or sum; several = a result for each")
      ->capture_default_str();
  app.add_option("--alpha", alphas, "Weight of routing in sum; several = a result for each")
      ->capture_default_str();
  embed.add_prompt(app);
  embed.add_calibration(app);
  embed.add_to(app);
}

void run_embedding_eval(const EmbeddingEvalOptions& options, const TextTable& texts,
                        const ScoreVectors& score) {
  const LoadedModel loaded(options.embed.model, false);
  const Tokenizer tokenizer = loaded.tokenizer();
  const std::vector<Variant> all = variants(options, loaded, tokenizer);
  Embedder embedder(*loaded.session, tokenizer, options_of_pass(all));
  const auto parts = embed_texts(embedder, options.embed.batch_tokens, texts.texts());
  std::vector<EvalResult> results;
  for (const Variant& variant : all) {
    for (EvalResult& result : score(finish(variant, parts))) {
      result.details.update(describe(variant));
      result.provenance.update(loaded.provenance(options.embed.model));
      results.push_back(std::move(result));
    }
  }
  print_results(results, options.data.json);
}

}  // namespace expertoire::cli
