// PEER: a Llama decoder whose FFNs are n² experts of one neuron (arXiv 2407.04153). No such
// checkpoints are published; keys and tensor names are those that expertoire-train writes
// (docs/peer.md).
#include "model/family/family.h"

namespace expertoire {

const FamilySpec kPeer = {
    .model_type = "peer",
    .ffn = FfnKind::kPeer,
    .hidden_act = "gelu",
    .sparse = SparseRule::kAll,
};

}  // namespace expertoire
