#include "cli/eval_systems.h"

#include <fmt/format.h>

#include "cli/progress_on.h"
#include "cli/temporary_folder.h"
#include "eval/embedded_texts.h"
#include "eval/random_model.h"
#include "eval/tfidf.h"
#include "eval/token_mean.h"
#include "io/json.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;
using Mode = CalibrationChoice::Mode;
using Use = std::function<void(const System&, const SystemVectors&)>;

constexpr uint64_t kRandomSeed = 17;
constexpr size_t kTfidfWords = 4096;

// A kind of embedding, and for sum one alpha.
struct Variant {
  EmbedCliOptions options;
  std::unique_ptr<Embedder> embedder;
  std::unique_ptr<CalibrationChoice> calibration;
};

std::vector<EmbedCliOptions> variant_options(const SystemOptions& options,
                                             const EmbedCliOptions& pass) {
  std::vector<EmbedCliOptions> all;
  for (const std::string& kind : options.kinds) {
    EmbedCliOptions one = pass;
    one.kind = kind;
    for (const double alpha : options.alphas) {
      one.alpha = alpha;
      all.push_back(one);
      if (kind != "sum") break;
    }
  }
  return all;
}

// What one pass over the texts is for.
struct Pass {
  EmbedCliOptions options;
  std::vector<Variant> variants = {};
};

// A model and what is asked of it.
struct Run {
  std::string system;
  LoadedModel loaded;
  Tokenizer tokenizer;
  std::vector<Pass> passes;

  Run(std::string name, const SystemOptions& options, const ModelOptions& model)
      : system(std::move(name)), loaded(model, false), tokenizer(loaded.tokenizer()) {
    const std::vector<EmbedCliOptions> usual = {options.embed};
    for (const EmbedCliOptions& one : options.passes.empty() ? usual : options.passes) {
      Pass& pass = passes.emplace_back(Pass{one, {}});
      for (EmbedCliOptions& kind : variant_options(options, one)) {
        auto embedder = std::make_unique<Embedder>(*loaded.session, tokenizer, kind.parse());
        pass.variants.push_back({std::move(kind), std::move(embedder), nullptr});
      }
    }
  }
};

void choose_calibrations(Run& run) {
  for (Pass& pass : run.passes) {
    for (Variant& variant : pass.variants) {
      variant.calibration =
          CalibrationChoice::choose(variant.options, *variant.embedder, run.loaded);
    }
  }
}

CalibrationSet moments_of(const std::vector<EmbedParts>& parts) {
  MomentAccumulator hidden, routing;
  for (const EmbedParts& one : parts) {
    hidden.add(one.hidden);
    routing.add(one.routing);
  }
  return {hidden.mean(), hidden.std(), routing.mean(), routing.std()};
}

// What was fitted for the trained weights says nothing of random ones: theirs is fitted on the
// texts themselves, which can only help the control.
void mirror_calibrations(const Pass& trained, const std::vector<EmbedParts>& parts, Pass& random) {
  for (size_t i = 0; i < random.variants.size(); ++i) {
    auto choice = std::make_unique<CalibrationChoice>();
    choice->mode = trained.variants[i].calibration->mode;
    if (choice->mode == Mode::kFitted) {
      choice->path = "the evaluated texts";
      choice->calibration.sets.emplace("", moments_of(parts));
      choice->set = &choice->calibration.sets.at("");
    }
    random.variants[i].calibration = std::move(choice);
  }
}

// Both parts as soon as one kind wants both: they come from the same pass.
EmbedOptions options_of_pass(const std::vector<Variant>& variants) {
  EmbedOptions pass = variants.front().embedder->options();
  for (const Variant& variant : variants) {
    if (variant.embedder->options().kind != pass.kind) pass.kind = EmbedKind::kSum;
  }
  return pass;
}

std::string fingerprint(const Run& run, const EmbedCliOptions& options, const Embedder& embedder) {
  json about = calibration_conditions(embedder, run.loaded);
  about.update(run.loaded.provenance({}));
  for (const char* key : {"model", "edit"}) about.erase(key);
  about["prompt"] = options.prompt;
  about["truncate"] = options.truncate;
  about["hidden"] = embedder.wants_hidden();
  about["routing"] = embedder.wants_routing();
  about["tokenizer_hash"] =
      content_hash(read_text_file(run.loaded.model->folder() + "/tokenizer.json"));
  return content_hash(about.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::vector<EmbedParts> embed_all(const Run& run, const Pass& pass,
                                  const std::vector<std::string>& texts, VectorCache* cache) {
  Embedder embedder(*run.loaded.session, run.tokenizer, options_of_pass(pass.variants));
  ProgressBar bar("texts");
  return embed_texts(embedder, texts,
                     {.batch_tokens = pass.options.batch_tokens,
                      .cache = cache,
                      .fingerprint = fingerprint(run, pass.options, embedder),
                      .progress = progress_on(bar, "embedding")});
}

TextVectors finish(const Variant& variant, const Embedder& embedder,
                   const std::vector<EmbedParts>& parts) {
  TextVectors vectors(embedder.dim());
  const auto size = static_cast<size_t>(variant.options.calibration_batch);
  for (size_t begin = 0; begin < parts.size(); begin += size) {
    const size_t end = std::min(begin + size, parts.size());
    std::vector<EmbedParts> batch(parts.begin() + static_cast<std::ptrdiff_t>(begin),
                                  parts.begin() + static_cast<std::ptrdiff_t>(end));
    if (variant.calibration->mode == Mode::kBatch) standardize_batch(batch);
    for (EmbedParts& one : batch) {
      vectors.append(embedder.combine(std::move(one), variant.calibration->set));
    }
  }
  return vectors;
}

// hidden or routing as they go into sum.
TextVectors part_of(const Run& run, const Variant& variant, EmbedKind kind,
                    const std::vector<EmbedParts>& parts) {
  EmbedOptions options = variant.embedder->options();
  options.kind = kind;
  return finish(variant, Embedder(*run.loaded.session, run.tokenizer, options), parts);
}

SystemVectors vectors_of(const Run& run, const Variant& variant, bool paper_rules,
                         const std::vector<EmbedParts>& parts) {
  if (paper_rules && variant.embedder->options().kind == EmbedKind::kSum) {
    return SumParts{part_of(run, variant, EmbedKind::kHidden, parts),
                    part_of(run, variant, EmbedKind::kRouting, parts), variant.options.alpha};
  }
  return finish(variant, *variant.embedder, parts);
}

json describe(const Variant& variant) {
  json about = {{"kind", variant.options.kind}, {"prompt", variant.options.prompt}};
  if (variant.options.kind == "sum") about["alpha"] = variant.options.alpha;
  const EmbedCliOptions usual;
  if (variant.options.pooling != usual.pooling) about["pooling"] = variant.options.pooling;
  if (variant.options.hidden_layers != usual.hidden_layers) {
    about["hidden_layers"] = variant.options.hidden_layers;
  }
  if (variant.options.routing_layers != usual.routing_layers) {
    about["routing_layers"] = variant.options.routing_layers;
  }
  switch (variant.calibration->mode) {
    case Mode::kNone: about["calibration"] = "none"; break;
    case Mode::kBatch:
      about["calibration"] = fmt::format("batch of {}", variant.options.calibration_batch);
      break;
    case Mode::kFitted: about["calibration"] = variant.calibration->path; break;
  }
  return about;
}

// `model`: as provenance names it.
void use_variants(const Run& run, size_t pass, bool paper_rules, const ModelOptions& model,
                  const std::vector<EmbedParts>& parts, const Use& use) {
  for (const Variant& variant : run.passes[pass].variants) {
    use({run.system, pass, describe(variant), run.loaded.provenance(model)},
        vectors_of(run, variant, paper_rules, parts));
  }
}

void use_random_model(const Run& trained, const SystemOptions& options,
                      const std::vector<std::string>& texts, VectorCache* cache, const Use& use) {
  const TemporaryFolder folder;
  write_random_model(trained.loaded.model->folder(), folder.path(), kRandomSeed);
  ModelOptions model = options.embed.model;
  model.model = folder.path();
  model.edit.clear();
  Run random("random_weights", options, model);
  model.model = fmt::format("random weights, seed {}", kRandomSeed);
  for (size_t i = 0; i < random.passes.size(); ++i) {
    const auto parts = embed_all(random, random.passes[i], texts, cache);
    mirror_calibrations(trained.passes[i], parts, random.passes[i]);
    use_variants(random, i, options.paper_rules, model, parts, use);
  }
}

}  // namespace

void SystemOptions::add_to(CLI::App& app) {
  add_kinds(app);
  embed.add_prompt(app);
  embed.add_calibration(app);
  embed.add_to(app);
  add_controls(app);
  app.add_flag("--paper-rules", paper_rules,
               "Score kind sum as the MoEE paper's published code does, which adds what hidden "
               "states and routing give apart, class numbers too, and summaries with p-values; to "
               "measure what that does");
}

void SystemOptions::add_kinds(CLI::App& app) {
  app.add_option("--kind", kinds, "hidden, routing, concat or sum; several = a result for each")
      ->capture_default_str();
  app.add_option("--alpha", alphas, "Weight of routing in sum; several = a result for each")
      ->capture_default_str();
}

void SystemOptions::add_controls(CLI::App& app) {
  app.add_flag("--controls", controls,
               "The same scores of random weights, of the mean of token embeddings, and of TF-IDF");
  app.add_option("--cache", cache,
                 "File that keeps vectors from run to run, also of a run that is killed");
}

void for_each_system(const SystemOptions& options, const std::vector<std::string>& texts,
                     const Use& use) {
  std::unique_ptr<VectorCache> cache;
  if (!options.cache.empty()) cache = std::make_unique<VectorCache>(options.cache);
  const ModelOptions& model = options.embed.model;
  Run run("model", options, model);
  choose_calibrations(run);
  for (size_t i = 0; i < run.passes.size(); ++i) {
    use_variants(run, i, options.paper_rules, model,
                 embed_all(run, run.passes[i], texts, cache.get()), use);
  }
  if (!options.controls) return;
  use_random_model(run, options, texts, cache.get(), use);
  use({"token_mean", 0, json::object(), run.loaded.provenance(model)},
      token_means(*run.loaded.model, run.tokenizer, texts));
  use({"tfidf", 0, {{"words", kTfidfWords}}}, tfidf_rows(texts, kTfidfWords));
}

}  // namespace expertoire::cli
