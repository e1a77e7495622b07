#include "train/torch/cross_entropy.h"

#include <ATen/ops/log_softmax.h>
#include <torch/csrc/autograd/custom_function.h>

#include "train/torch/products.h"

namespace expertoire::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class HeadLoss : public torch::autograd::Function<HeadLoss> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& targets, bool gradients) {
    const int64_t tokens = x.size(0);
    const Tensor dx = gradients ? at::empty_like(x) : Tensor();
    const Tensor dw = gradients ? at::zeros_like(weight) : Tensor();
    Tensor total = at::zeros({}, x.options().dtype(at::kDouble));
    for (int64_t first = 0; first < tokens; first += kBlockTokens) {
      const int64_t rows = std::min(kBlockTokens, tokens - first);
      const Tensor block = x.narrow(0, first, rows);
      const Tensor target = targets.narrow(0, first, rows).unsqueeze(1);
      Tensor logits = at::log_softmax(at::mm(block, weight.t()), -1);
      total -= logits.gather(1, target).sum(at::kDouble);
      if (!gradients) continue;
      logits.exp_().scatter_add_(1, target, at::empty(target.sizes(), x.options()).fill_(-1));
      logits.div_(static_cast<double>(tokens));
      Tensor dx_block = dx.narrow(0, first, rows);
      at::mm_out(dx_block, logits, weight);
      add_product(dw, logits.t(), block);
    }
    if (gradients) context->save_for_backward({dx, dw});
    return (total / static_cast<double>(tokens)).to(x.scalar_type());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    return {saved[0] * gradients[0], saved[1] * gradients[0], Tensor(), Tensor()};
  }
};

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& targets,
                     const Pass& /*pass*/) {
  const bool gradients =
      at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  return HeadLoss::apply(x, weight, targets, gradients);
}

}  // namespace expertoire::train
