// How a model is trained: the file of `expertoire-train run --config`, beside its "model".
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "train/config.h"

namespace expertoire::train {

enum class Schedule : uint8_t { kCosine, kConstant };

struct RunConfig {
  nlohmann::json model;  ///< as parse_model_shape takes it; null with --init
  int64_t seed = 1;      ///< of the first weights and of the order of the data
  int64_t sequence_length = 256;
  int64_t batch_sequences = 8;  ///< of one process in one forward pass
  int64_t accumulate = 1;       ///< forward passes a step
  int64_t steps = 0;
  double lr = 0;  ///< the highest
  Schedule schedule = Schedule::kCosine;
  int64_t warmup_steps = 0;   ///< from lr / warmup_steps, linearly
  double min_lr_ratio = 0.1;  ///< where the cosine ends
  double weight_decay = 0.1;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-8;
  double clip_grad_norm = 1.0;
  double router_lr_scale = 1.0;  ///< Monet's w1 and w2 learn at lr times this
  bool bf16 = false;
  int64_t evaluate_every = 0;      ///< steps; 0 = at the end only
  int64_t evaluate_sequences = 0;  ///< held-out sequences; 0 = all
  int64_t checkpoint_every = 500;
  int64_t keep_checkpoints = 2;
  int64_t log_every = 1;

  /// Of the step with this number, from 0.
  double learning_rate(int64_t step) const;
  /// Everything that a resumed run must have the same, defaults filled in.
  nlohmann::json identity() const;
};

/// Errors: kBadFile, kUnsupported for an unknown key; `what` names the file.
RunConfig parse_run_config(const nlohmann::json& json, const std::string& what);

/// Errors: kInvalidArgument naming the first key whose value in `now` is not that in `before`.
void require_same(const nlohmann::json& before, const nlohmann::json& now);

}  // namespace expertoire::train
