// The weights of a model by their names in the checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/torch/tensor.h"

namespace expertoire::train {

struct Parameter {
  std::string name;
  Tensor tensor;
  bool learned = true;  ///< false: a statistic, written by the forward pass
};

/// In order of creation. Modules hold the same tensors: whoever changes values does it in place.
class Parameters {
 public:
  /// New weights are drawn on the CPU from `seed` and put on `device` in `type`.
  explicit Parameters(uint64_t seed, at::ScalarType type = at::kFloat,
                      at::Device device = at::kCPU);

  /// Learned, from N(0, deviation²).
  Tensor normal(const std::string& name, at::IntArrayRef shape, double deviation);
  /// Learned, all `value`.
  Tensor constant(const std::string& name, at::IntArrayRef shape, double value);
  /// A statistic, all `value`.
  Tensor statistic(const std::string& name, at::IntArrayRef shape, double value);

  const std::vector<Parameter>& all() const { return all_; }
  /// Learned tensors only, in order.
  std::vector<Parameter> learned() const;
  /// Errors: kInternal for a name that is not there.
  const Tensor& at(const std::string& name) const;
  bool contains(const std::string& name) const;
  int64_t learned_count() const;

 private:
  Tensor add(const std::string& name, Tensor tensor, bool learned);

  at::Generator generator_;
  at::ScalarType type_;
  at::Device device_;
  std::vector<Parameter> all_;
};

}  // namespace expertoire::train
