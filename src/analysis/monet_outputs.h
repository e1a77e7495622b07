// What the joint experts of Monet's layers put out on average.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "io/checkpoint.h"
#include "model/config.h"

namespace expertoire {

/// Reads a layer's weights when it is first asked about.
class MonetOutputs {
 public:
  MonetOutputs(const Checkpoint& checkpoint, const ModelConfig& config);
  ~MonetOutputs();

  /// Adds to output [hidden_size] the mean output of joint expert (left, right) of a layer for
  /// white noise (ExpertWeights::mean_output). Key n of a side stands for the mean over its keys.
  /// Errors: those of checked_tensor.
  void add(int layer, int64_t left, int64_t right, std::vector<double>& output);

 private:
  struct KeySide;  // what the keys of one side of one layer add
  struct Layer;
  KeySide read_side(int layer, size_t s) const;
  const Layer& layer(int number);

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  std::map<int, std::unique_ptr<Layer>> layers_;
};

}  // namespace expertoire
