#include "train/torch/shared_batch_norm.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include "train/torch/processes.h"

namespace expertoire::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kMomentum = 0.1;

// x̂ with the statistics of all processes: forward and backward each need one sum over them.
class Normalise : public torch::autograd::Function<Normalise> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& x, Processes* processes) {
    Tensor sums =
        at::cat({x.sum(0, false, at::kDouble), x.to(at::kDouble).square().sum(0),
                 at::scalar_tensor(x.size(0), x.options().dtype(at::kDouble)).unsqueeze(0)});
    processes->sum(sums);
    const int64_t features = x.size(1);
    const Tensor count = sums.narrow(0, 2 * features, 1);
    const Tensor mean = sums.narrow(0, 0, features) / count;
    const Tensor var = sums.narrow(0, features, features) / count - mean.square();
    const Tensor scale = (var + kBatchNormEps).rsqrt();
    const Tensor normal = ((x - mean) * scale).to(x.scalar_type());
    context->save_for_backward({normal, scale, count});
    context->saved_data["processes"] = reinterpret_cast<int64_t>(processes);
    context->mark_non_differentiable({mean, var, count});
    return {normal, mean, var, count};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    auto* processes = reinterpret_cast<Processes*>(context->saved_data["processes"].toInt());
    const Tensor& normal = saved[0];
    const Tensor& d = gradients[0];
    Tensor sums =
        at::stack({d.sum(0, false, at::kDouble), (d * normal).sum(0, false, at::kDouble)});
    processes->sum(sums);
    sums /= saved[2];
    return {((d - sums[0] - normal * sums[1]) * saved[1]).to(d.scalar_type()), Tensor()};
  }
};

}  // namespace

void update_running(const Tensor& running_mean, const Tensor& running_var, const Tensor& mean,
                    const Tensor& biased_var, double count, double momentum) {
  const at::NoGradGuard no_grad;
  const auto type = running_mean.scalar_type();
  const double unbiased = count > 1 ? count / (count - 1) : 1.0;
  running_mean.mul_(1 - momentum).add_(mean.to(type), momentum);
  running_var.mul_(1 - momentum).add_(biased_var.to(type), momentum * unbiased);
}

Tensor shared_batch_norm(const BatchNormTensors& norm, const Tensor& x, const Pass& pass) {
  if (!pass.training || pass.processes == nullptr) {
    return at::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var,
                          pass.training, kMomentum, kBatchNormEps, false);
  }
  const variable_list result = Normalise::apply(x, pass.processes);
  update_running(norm.running_mean, norm.running_var, result[1], result[2],
                 result[3].item<double>(), kMomentum);
  return result[0] * norm.weight + norm.bias;
}

}  // namespace expertoire::train
