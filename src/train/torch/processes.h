// The processes that train one model together, each on its own part of every batch.
#pragma once

#include <cstdint>

#include "train/torch/tensor.h"

namespace expertoire::train {

class Processes {
 public:
  virtual ~Processes() = default;
  virtual int64_t rank() const = 0;
  virtual int64_t count() const = 0;
  /// Replaces `tensor` by its sum over all processes. Errors: kIo naming the operation when a
  /// process does not answer.
  virtual void sum(Tensor& tensor) = 0;
};

/// The mean over all processes of a mean over this process's tokens. The gradient is that of the
/// own part, as if it were the whole: averaging gradients over processes makes it right.
inline Tensor shared_mean(const Tensor& mean, Processes* processes) {
  if (processes == nullptr) return mean;
  Tensor total = mean.detach().clone();
  processes->sum(total);
  total /= static_cast<double>(processes->count());
  return mean + (total - mean).detach();
}

}  // namespace expertoire::train
