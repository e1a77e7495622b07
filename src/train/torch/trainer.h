// The training loop.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/progress.h"
#include "train/run_config.h"
#include "train/token_dataset.h"
#include "train/torch/adamw.h"
#include "train/torch/decoder.h"
#include "train/torch/evaluation.h"
#include "train/torch/processes.h"
#include "train/torch/run_folder.h"

namespace expertoire::train {

struct TrainerOptions {
  std::string config_path, data, out;
  std::string tokenizer;  ///< folder whose tokenizer goes into checkpoints; "" = none
  std::string init;       ///< checkpoint folder that the weights start from; "" = new ones
  bool resume = false;
  bool freeze_router = false;
  int64_t recalibrate_batches = 0;  ///< of the pass that re-estimates router statistics at the end
  std::string device = "cpu";
  int threads = 0;                 ///< 0 = libtorch's choice
  Processes* processes = nullptr;  ///< null = this process alone
  const CancelToken* cancel = nullptr;
  /// Called after every step with the tokens of the whole run so far, and words about it.
  std::function<void(int64_t done, int64_t total, const std::string& note)> progress;
};

/// Trains to the end and says in words how that went; or until cancelled: then it writes a
/// checkpoint and throws kCancelled.
/// Errors: those of the configuration, the data and the files; kNumeric when the loss is NaN or
/// infinite; kInvalidArgument when `out` has a run already and `resume` is not set, or when the
/// configuration or the data are not those that the run began with.
std::string train(const TrainerOptions& options);

}  // namespace expertoire::train
