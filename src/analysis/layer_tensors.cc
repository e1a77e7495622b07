#include "analysis/layer_tensors.h"

#include <fmt/format.h>

#include "io/refuse.h"

namespace expertoire {

const TensorView& checked_tensor(const Checkpoint& checkpoint, const std::string& name,
                                 const std::vector<int64_t>& shape) {
  const TensorView& view = checkpoint.tensor(name);
  if (view.shape != shape) {
    bad_file(checkpoint.folder(), fmt::format("{} of shape {}", name, shape_text(view.shape)),
             shape_text(shape));
  }
  return view;
}

std::vector<float> read_tensor(const Checkpoint& checkpoint, const std::string& name,
                               const std::vector<int64_t>& shape) {
  const TensorView& view = checked_tensor(checkpoint, name, shape);
  std::vector<float> values(static_cast<size_t>(view.elements()));
  read_f32(view, 0, view.elements(), values.data());
  return values;
}

std::string layer_name(int layer, std::string_view rest) {
  return fmt::format("model.layers.{}.{}", layer, rest);
}

std::vector<float> norm_weight(const Checkpoint& checkpoint, const ModelConfig& config, int layer) {
  return read_tensor(checkpoint, layer_name(layer, "post_attention_layernorm.weight"),
                     {config.hidden_size});
}

}  // namespace expertoire
