#include "cli/embed_options.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"

namespace expertoire::cli {

void EmbedCliOptions::add_to(CLI::App& app) {
  model.add_to(app);
  add_pooling(app);
  add_passes(app);
}

void EmbedCliOptions::add_pooling(CLI::App& app) {
  app.add_option("--pooling", pooling, "last or mean over tokens")->capture_default_str();
  app.add_option("--hidden-layers", hidden_layers, "last, or all (their mean)")
      ->capture_default_str();
  app.add_option("--routing-layers", routing_layers, "all (side by side), or last")
      ->capture_default_str();
}

void EmbedCliOptions::add_passes(CLI::App& app) {
  app.add_option("--routing-stage", routing_stage,
                 "logits or probs (default: what the paper's code takes from this family)");
  app.add_option("--truncate", truncate, "Texts over the model's context: never, left or right")
      ->capture_default_str();
  app.add_option("--batch-tokens", batch_tokens, "Tokens of one forward pass")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
}

void EmbedCliOptions::add_kind(CLI::App& app) {
  app.add_option("--kind", kind, "hidden, routing, concat or sum")->capture_default_str();
  add_prompt(app);
  app.add_option("--alpha", alpha, "Weight of routing in sum")->capture_default_str();
}

void EmbedCliOptions::add_prompt(CLI::App& app) {
  app.add_option("--prompt", prompt,
                 "A name of `expertoire prompts`, or a template with one {text}")
      ->capture_default_str();
}

void EmbedCliOptions::add_calibration(CLI::App& app) {
  app.add_option("--calibration", calibration,
                 "A calibration.safetensors, batch (z-scores over each batch, as the paper's "
                 "code), or none (default: the model's own for concat, else none)");
  app.add_option("--calibration-batch", calibration_batch, "Texts of one batch of z-scores")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
}

EmbedOptions EmbedCliOptions::parse() const {
  EmbedOptions options;
  options.kind = choose_enum<EmbedKind>("--kind", kind, kEmbedKindNames);
  options.prompt = Prompt::parse(prompt);
  options.pooling = choose_enum<Pooling>("--pooling", pooling, kPoolingNames);
  options.hidden_layers =
      choose_enum<LayerChoice>("--hidden-layers", hidden_layers, kLayerChoiceNames);
  options.routing_layers =
      choose_enum<LayerChoice>("--routing-layers", routing_layers, kLayerChoiceNames);
  if (!routing_stage.empty()) {
    options.routing_stage = choose_enum<Stage>("--routing-stage", routing_stage, kStageNames);
  }
  options.truncate = choose_enum<Truncate>("--truncate", truncate, kTruncateNames);
  options.alpha = static_cast<float>(alpha);
  return options;
}

std::map<std::string, std::string> calibration_conditions(const Embedder& embedder,
                                                          const LoadedModel& loaded) {
  const EmbedOptions& options = embedder.options();
  const auto name = [](const auto& names, auto value) {
    return std::string(names[static_cast<size_t>(value)]);
  };
  const auto edit = loaded.edit.find("edit_hash");
  return {{"model_type", loaded.model->config().model_type},
          {"config_hash", file_hash(loaded.model->folder() + "/config.json")},
          {"edit_hash", edit == loaded.edit.end() ? "none" : edit->second},
          {"routing_stage", std::string(stage_name(embedder.routing_stage()))},
          {"pooling", name(kPoolingNames, options.pooling)},
          {"hidden_layers", name(kLayerChoiceNames, options.hidden_layers)},
          {"routing_layers", name(kLayerChoiceNames, options.routing_layers)}};
}

std::unique_ptr<CalibrationChoice> CalibrationChoice::choose(const EmbedCliOptions& options,
                                                             const Embedder& embedder,
                                                             const LoadedModel& loaded) {
  auto choice = std::make_unique<CalibrationChoice>();
  const bool concat = embedder.options().kind == EmbedKind::kConcat;
  if (options.calibration == "none" || (options.calibration.empty() && !concat)) return choice;
  if (options.calibration == "batch") {
    choice->mode = Mode::kBatch;
    return choice;
  }
  choice->mode = Mode::kFitted;
  choice->path = options.calibration.empty() ? loaded.model->folder() + "/calibration.safetensors"
                                             : options.calibration;
  if (!std::filesystem::exists(choice->path)) {
    throw Error(ErrorCode::kNotFound,
                {"calibrating the embedding", "no file " + choice->path,
                 "a calibration, which concat needs",
                 "fit one with `expertoire calibrate`, or use --calibration batch or none"});
  }
  choice->calibration = Calibration::load(choice->path);
  choice->calibration.metadata.emplace("edit_hash", "none");  // files that say nothing of an edit
  choice->set = &choice->calibration.set(options.prompt, calibration_conditions(embedder, loaded));
  return choice;
}

}  // namespace expertoire::cli
