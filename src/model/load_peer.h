// PEER's expert layers from a checkpoint that expertoire-train wrote.
#pragma once

#include <memory>

#include "ffn/peer.h"
#include "model/config.h"
#include "model/weights.h"

namespace expertoire {

/// model.layers.L.mlp.*; the experts stay in the mapped file. Errors: those of WeightReader.
std::unique_ptr<Ffn> load_peer(const ModelConfig& config, int layer, WeightReader& reader);

}  // namespace expertoire
