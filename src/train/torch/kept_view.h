// From tensors to the plain views that monet_kernels.h takes.
#pragma once

#include "train/monet_kernels.h"
#include "train/torch/tensor.h"

namespace expertoire::train {

/// The tensors must outlive the view.
template <class T>
KeptView<T> kept_view(const Tensor& scores, const Tensor& offsets, const Tensor& keys,
                      int64_t heads, int64_t n) {
  return {offsets.const_data_ptr<int64_t>(), keys.const_data_ptr<int32_t>(),
          scores.const_data_ptr<T>(), heads, n};
}

/// Calls body.operator()<float or double>() by the type of `tensor`.
template <class Body>
void with_type(const Tensor& tensor, Body body) {
  if (tensor.scalar_type() == at::kDouble) {
    body.template operator()<double>();
  } else {
    body.template operator()<float>();
  }
}

}  // namespace expertoire::train
