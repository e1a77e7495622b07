// AdamW (arXiv 1711.05101) over the learned weights of a model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "train/torch/parameters.h"
#include "train/torch/tensor_files.h"

namespace expertoire::train {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-8;
  double weight_decay = 0.1;
  double router_lr_scale = 1.0;  ///< learning rate of router.w1 and w2 over that of the others
};

/// Whether weight decay applies: matrices only, and not the experts' output biases b, b1, b2.
bool decays(std::string_view name, const Tensor& tensor);

class AdamW {
 public:
  /// `trained`: the weights that steps change.
  AdamW(const std::vector<Parameter>& trained, AdamWOptions options);

  /// One step from the gradients that the weights hold.
  void step(double lr);

  /// First and second moments and steps: "exp_avg.NAME", "exp_avg_sq.NAME", "step.NAME".
  TensorList state() const;
  /// Takes a state from a file. Errors: kNotFound, kBadFile.
  void load(const SafetensorsFile& file);

 private:
  struct Group {
    double weight_decay = 0;
    double lr_scale = 1;
    std::vector<std::string> names;
    std::vector<Tensor> weights, exp_avgs, exp_avg_sqs, steps;
  };
  Group& group_of(const Parameter& parameter);

  AdamWOptions options_;
  std::vector<Group> groups_;
};

/// √Σ|gradient|² over the weights that have one.
double gradient_norm(const std::vector<Parameter>& parameters);

/// Scales gradients to the norm `most` when theirs, `norm`, is larger (torch's clip_grad_norm_).
void clip_gradients(const std::vector<Parameter>& parameters, double norm, double most);

}  // namespace expertoire::train
