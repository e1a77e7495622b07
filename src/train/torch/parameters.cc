#include "train/torch/parameters.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/full.h>

#include <algorithm>

#include "base/error.h"

namespace expertoire::train {

Parameters::Parameters(uint64_t seed, at::ScalarType type, at::Device device)
    : generator_(at::detail::createCPUGenerator(seed)), type_(type), device_(device) {}

Tensor Parameters::normal(const std::string& name, at::IntArrayRef shape, double deviation) {
  // Drawn in float whatever the type, so that a seed means the same weights.
  Tensor values = at::empty(shape, at::kFloat).normal_(0.0, deviation, generator_);
  return add(name, values, true);
}

Tensor Parameters::constant(const std::string& name, at::IntArrayRef shape, double value) {
  return add(name, at::full(shape, value, at::kFloat), true);
}

Tensor Parameters::statistic(const std::string& name, at::IntArrayRef shape, double value) {
  return add(name, at::full(shape, value, at::kFloat), false);
}

Tensor Parameters::add(const std::string& name, Tensor tensor, bool learned) {
  tensor = tensor.to(device_, type_).requires_grad_(learned);
  all_.push_back({name, tensor, learned});
  return tensor;
}

std::vector<Parameter> Parameters::learned() const {
  std::vector<Parameter> result;
  std::copy_if(all_.begin(), all_.end(), std::back_inserter(result),
               [](const Parameter& parameter) { return parameter.learned; });
  return result;
}

bool Parameters::contains(const std::string& name) const {
  return std::any_of(all_.begin(), all_.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
}

const Tensor& Parameters::at(const std::string& name) const {
  const auto found = std::find_if(
      all_.begin(), all_.end(), [&](const Parameter& parameter) { return parameter.name == name; });
  if (found != all_.end()) return found->tensor;
  throw Error(ErrorCode::kInternal, {"looking for a weight", "no " + name, "", ""});
}

int64_t Parameters::learned_count() const {
  int64_t count = 0;
  for (const Parameter& parameter : all_) count += parameter.learned ? parameter.tensor.numel() : 0;
  return count;
}

}  // namespace expertoire::train
