#include "train/torch/adamw.h"

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>

namespace expertoire::train {
namespace {

std::vector<Tensor> gradients_of(const std::vector<Parameter>& parameters) {
  std::vector<Tensor> gradients;
  for (const Parameter& parameter : parameters) {
    if (parameter.tensor.grad().defined()) gradients.push_back(parameter.tensor.grad());
  }
  return gradients;
}

}  // namespace

bool decays(std::string_view name, const Tensor& tensor) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return tensor.dim() >= 2 && last != "b" && last != "b1" && last != "b2";
}

AdamW::AdamW(const std::vector<Parameter>& trained, AdamWOptions options) : options_(options) {
  for (const Parameter& parameter : trained) {
    Group& group = group_of(parameter);
    group.names.push_back(parameter.name);
    group.weights.push_back(parameter.tensor);
    group.exp_avgs.push_back(at::zeros_like(parameter.tensor.detach()));
    group.exp_avg_sqs.push_back(at::zeros_like(parameter.tensor.detach()));
    group.steps.push_back(
        at::zeros({}, at::TensorOptions().dtype(at::kFloat).device(parameter.tensor.device())));
  }
}

AdamW::Group& AdamW::group_of(const Parameter& parameter) {
  const double decay = decays(parameter.name, parameter.tensor) ? options_.weight_decay : 0;
  const bool router = parameter.name.find(".router.") != std::string::npos;
  const double scale = router ? options_.router_lr_scale : 1;
  const auto found = std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) {
    return group.weight_decay == decay && group.lr_scale == scale;
  });
  if (found != groups_.end()) return *found;
  return groups_.emplace_back(Group{decay, scale, {}, {}, {}, {}, {}});
}

void AdamW::step(double lr) {
  const at::NoGradGuard no_grad;
  for (Group& group : groups_) {
    std::vector<Tensor> weights, gradients, exp_avgs, exp_avg_sqs, steps;
    for (size_t i = 0; i < group.weights.size(); ++i) {
      const Tensor& gradient = group.weights[i].grad();
      if (!gradient.defined()) continue;
      weights.push_back(group.weights[i]);
      gradients.push_back(gradient);
      exp_avgs.push_back(group.exp_avgs[i]);
      exp_avg_sqs.push_back(group.exp_avg_sqs[i]);
      steps.push_back(group.steps[i] += 1);
    }
    if (weights.empty()) continue;
    at::_fused_adamw_(weights, gradients, exp_avgs, exp_avg_sqs, {}, steps, lr * group.lr_scale,
                      options_.beta1, options_.beta2, group.weight_decay, options_.eps,
                      /*amsgrad=*/false, /*maximize=*/false);
  }
}

TensorList AdamW::state() const {
  TensorList state;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      state.emplace_back("exp_avg." + group.names[i], group.exp_avgs[i]);
      state.emplace_back("exp_avg_sq." + group.names[i], group.exp_avg_sqs[i]);
      state.emplace_back("step." + group.names[i], group.steps[i]);
    }
  }
  return state;
}

void AdamW::load(const SafetensorsFile& file) {
  for (const auto& [name, tensor] : state()) {
    load_into(tensor, file.tensor(name), name, file.path());
  }
}

double gradient_norm(const std::vector<Parameter>& parameters) {
  const std::vector<Tensor> gradients = gradients_of(parameters);
  if (gradients.empty()) return 0;
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients))).item<double>();
}

void clip_gradients(const std::vector<Parameter>& parameters, double norm, double most) {
  const double factor = most / (norm + 1e-6);
  const std::vector<Tensor> gradients = gradients_of(parameters);
  if (factor < 1 && !gradients.empty()) at::_foreach_mul_(gradients, factor);
}

}  // namespace expertoire::train
