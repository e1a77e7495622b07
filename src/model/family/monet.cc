// Monet: a Llama decoder whose FFNs are n² experts (configuration_monet.py of dmis-lab/Monet).
#include "model/family/family.h"

namespace expertoire {

const FamilySpec kMonet = {
    .model_type = "monet",
    .ffn = FfnKind::kMonet,
    .hidden_act = "relu2",
    .sparse = SparseRule::kAll,
};

}  // namespace expertoire
