// Monet's expert layers from a checkpoint with the authors' tensor names.
#pragma once

#include <memory>

#include "ffn/monet.h"
#include "model/config.h"
#include "model/weights.h"

namespace expertoire {

/// model.layers.L.moe.* and, in a layer that routes, model.layers.L.router.*.
/// Errors: those of WeightReader.
std::unique_ptr<Ffn> load_monet(const ModelConfig& config, int layer, Compute compute,
                                WeightReader& reader);

}  // namespace expertoire
