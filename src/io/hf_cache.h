// Finding a model that is already on this machine. Never the network.
#pragma once

#include <string>

namespace expertoire {

/// The folder of a model: `spec` itself when it is a folder, else `org/name[@revision]` in the
/// local Hugging Face cache (HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub; layout
/// of huggingface_hub: models--org--name/{refs/REVISION, snapshots/COMMIT}). Default revision:
/// main. Errors: kNotFound saying where it looked, kInvalidArgument for a name that cannot be one.
std::string resolve_model_folder(const std::string& spec);

}  // namespace expertoire
