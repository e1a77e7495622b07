// Tensors of a checkpoint by name, with the shape that they must have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/checkpoint.h"
#include "model/config.h"

namespace expertoire {

/// A tensor of that shape. Errors: kNotFound, kBadFile for another shape.
const TensorView& checked_tensor(const Checkpoint& checkpoint, const std::string& name,
                                 const std::vector<int64_t>& shape);
/// Its values, row-major. Errors: as above; kUnsupported for a dtype that is no float.
std::vector<float> read_tensor(const Checkpoint& checkpoint, const std::string& name,
                               const std::vector<int64_t>& shape);

/// "model.layers.3.REST".
std::string layer_name(int layer, std::string_view rest);

/// The weight of the norm before a layer's FFN [hidden_size]. Errors: as above.
std::vector<float> norm_weight(const Checkpoint& checkpoint, const ModelConfig& config, int layer);

}  // namespace expertoire
