// The options of commands that embed texts.
#pragma once

#include <memory>
#include <string>

#include "cli/common.h"
#include "embed/embedder.h"

namespace expertoire::cli {

struct EmbedCliOptions {
  ModelOptions model;
  std::string kind = "hidden", prompt = "none", pooling = "last", hidden_layers = "last";
  std::string routing_layers = "all", routing_stage, truncate = "never";
  std::string calibration;  ///< file, "batch", "none", or "" = the kind's default
  double alpha = 1.0;
  int64_t batch_tokens = 2048;
  int64_t calibration_batch = 128;

  /// All but --kind and --calibration, which not every command has.
  void add_to(CLI::App& app);
  void add_pooling(CLI::App& app);  ///< and layers
  void add_passes(CLI::App& app);   ///< stage, truncation and size of forward passes
  void add_kind(CLI::App& app);     ///< with --prompt and --alpha
  void add_prompt(CLI::App& app);
  void add_calibration(CLI::App& app);
  EmbedOptions parse() const;
};

/// How finished vectors are standardised.
struct CalibrationChoice {
  enum class Mode : uint8_t { kNone, kFitted, kBatch } mode = Mode::kNone;
  std::string path;
  Calibration calibration;
  const CalibrationSet* set = nullptr;

  /// none for hidden, routing and sum unless asked for; concat takes the model's own
  /// calibration.safetensors. Errors: kNotFound when concat finds none.
  static std::unique_ptr<CalibrationChoice> choose(const EmbedCliOptions& options,
                                                   const Embedder& embedder,
                                                   const LoadedModel& loaded);
};

/// What a calibration must have been fitted with, as its metadata says it; "edit_hash" is "none"
/// without an edit.
std::map<std::string, std::string> calibration_conditions(const Embedder& embedder,
                                                          const LoadedModel& loaded);

}  // namespace expertoire::cli
