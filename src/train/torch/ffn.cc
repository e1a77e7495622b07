#include "train/torch/ffn.h"

#include <fmt/format.h>

namespace expertoire::train {

std::unique_ptr<Ffn> make_ffn(const ModelShape& shape, int64_t layer, Parameters& parameters) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  switch (shape.kind) {
    case FfnKind::kDense: return make_dense(shape, prefix, parameters);
    case FfnKind::kSmoe: return make_smoe(shape, prefix, parameters);
    case FfnKind::kPeer: return make_peer(shape, prefix, parameters);
    case FfnKind::kMonetHd: return make_monet_hd(shape, prefix, shape.routes(layer), parameters);
    case FfnKind::kMonetVd: return make_monet_vd(shape, prefix, shape.routes(layer), parameters);
  }
  return nullptr;
}

}  // namespace expertoire::train
