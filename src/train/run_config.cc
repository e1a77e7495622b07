#include "train/run_config.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "base/error.h"
#include "io/json.h"
#include "io/refuse.h"
#include "model/config_reader.h"

namespace expertoire::train {
namespace {

using nlohmann::json;

constexpr int64_t kMost = int64_t{1} << 40;

void read_data(ConfigReader& reader, RunConfig& config) {
  config.seed = reader.integer("seed", config.seed, 0, kMost);
  config.sequence_length = reader.integer("sequence_length", config.sequence_length);
  config.batch_sequences = reader.integer("batch_sequences", config.batch_sequences);
  config.accumulate = reader.integer("accumulate", config.accumulate);
  config.steps = reader.integer("steps", {}, 1, kMost);
  config.evaluate_every = reader.integer("evaluate_every", config.evaluate_every, 0, kMost);
  config.evaluate_sequences =
      reader.integer("evaluate_sequences", config.evaluate_sequences, 0, kMost);
  config.checkpoint_every = reader.integer("checkpoint_every", config.checkpoint_every, 1, kMost);
  config.keep_checkpoints = reader.integer("keep_checkpoints", config.keep_checkpoints, 1, kMost);
  config.log_every = reader.integer("log_every", config.log_every, 1, kMost);
}

double fraction(ConfigReader& reader, const std::string& key, double otherwise) {
  const double value = reader.number(key, otherwise);
  if (value < 0 || value > 1) reader.bad(key, "a number from 0 to 1");
  return value;
}

void read_optimizer(ConfigReader& reader, RunConfig& config) {
  config.lr = reader.positive("lr", {});
  const std::string schedule = reader.text("schedule", "cosine");
  if (schedule != "cosine" && schedule != "constant") {
    reader.bad("schedule", "\"cosine\" or \"constant\"");
  }
  config.schedule = schedule == "cosine" ? Schedule::kCosine : Schedule::kConstant;
  config.warmup_steps = reader.integer("warmup_steps", config.warmup_steps, 0, kMost);
  config.min_lr_ratio = fraction(reader, "min_lr_ratio", config.min_lr_ratio);
  config.weight_decay = reader.number("weight_decay", config.weight_decay);
  config.beta1 = fraction(reader, "beta1", config.beta1);
  config.beta2 = fraction(reader, "beta2", config.beta2);
  config.eps = reader.positive("eps", config.eps);
  config.clip_grad_norm = reader.positive("clip_grad_norm", config.clip_grad_norm);
  config.router_lr_scale = reader.number("router_lr_scale", config.router_lr_scale);
  config.bf16 = reader.boolean("bf16", config.bf16);
}

}  // namespace

double RunConfig::learning_rate(int64_t step) const {
  if (step < warmup_steps) {
    return lr * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  }
  if (schedule == Schedule::kConstant || steps <= warmup_steps) return lr;
  const double part =
      static_cast<double>(step - warmup_steps) / static_cast<double>(steps - warmup_steps);
  const double wave = 0.5 * (1 + std::cos(std::numbers::pi * std::min(part, 1.0)));
  return lr * (min_lr_ratio + (1 - min_lr_ratio) * wave);
}

json RunConfig::identity() const {
  return {{"model", model},
          {"seed", seed},
          {"sequence_length", sequence_length},
          {"batch_sequences", batch_sequences},
          {"accumulate", accumulate},
          {"steps", steps},
          {"lr", lr},
          {"schedule", schedule == Schedule::kCosine ? "cosine" : "constant"},
          {"warmup_steps", warmup_steps},
          {"min_lr_ratio", min_lr_ratio},
          {"weight_decay", weight_decay},
          {"beta1", beta1},
          {"beta2", beta2},
          {"eps", eps},
          {"clip_grad_norm", clip_grad_norm},
          {"router_lr_scale", router_lr_scale},
          {"bf16", bf16}};
}

RunConfig parse_run_config(const json& root, const std::string& what) {
  ConfigReader reader(root, what);
  RunConfig config;
  config.model = reader.raw("model");
  reader.ignore("name");
  read_data(reader, config);
  read_optimizer(reader, config);
  reader.refuse_unknown();
  return config;
}

void require_same(const json& before, const json& now) {
  for (const auto& [key, value] : now.items()) {
    const json had = before.is_object() ? before.value(key, json()) : json();
    if (had == value) continue;
    if (had.is_object() && value.is_object()) require_same(had, value);
    throw Error(ErrorCode::kInvalidArgument,
                {"resuming the run", fmt::format("{} is {}", in_quotes(key), in_short(value)),
                 fmt::format("{}, as when it began", in_short(had)),
                 "restore that value, or begin a new run in another folder (--init takes weights "
                 "from a checkpoint)"});
  }
}

}  // namespace expertoire::train
