// BatchNorm over the tokens of all processes.
#pragma once

#include "train/torch/pass.h"

namespace expertoire::train {

inline constexpr double kBatchNormEps = 1e-5;

/// Learned scale and shift, and running statistics, each [features].
struct BatchNormTensors {
  Tensor weight, bias, running_mean, running_var;
};

/// (x − mean)/√(var + 1e-5)·weight + bias for x [tokens, features]. In training by the batch's own
/// statistics (over all processes), which go into the running ones with momentum 0.1 (unbiased
/// variance), as torch.nn.BatchNorm1d does.
Tensor shared_batch_norm(const BatchNormTensors& norm, const Tensor& x, const Pass& pass);

/// running += momentum·(now − running). `biased_var` over `count` values.
void update_running(const Tensor& running_mean, const Tensor& running_var, const Tensor& mean,
                    const Tensor& biased_var, double count, double momentum);

}  // namespace expertoire::train
