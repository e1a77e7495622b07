// Where the files that come with the program are.
#pragma once

#include <string>
#include <string_view>

namespace expertoire {

/// Path of `relative` ("models/olmoe-small", "data/demo/openstax.jsonl") beside the running
/// program: ../share/expertoire (installed), ../.. (build tree). Errors: kNotFound saying where it
/// looked.
std::string shipped_path(const std::string& relative);

/// Folder of the model `name` among those that ship; $EXPERTOIRE_MODELS names another place for
/// them. Errors: as shipped_path.
std::string shipped_model(const std::string& name);

/// The models that ship, and what each is the default of.
inline constexpr std::string_view kEmbeddingModel = "olmoe-small";  ///< embedding texts
inline constexpr std::string_view kExpertsModel = "monet-small";    ///< continuing and tracing them
inline constexpr std::string_view kShippedModels[] = {kEmbeddingModel, kExpertsModel};

/// What --model means: the name of a shipped model, unless a folder here has it; else
/// resolve_model_folder.
std::string model_folder(const std::string& spec);

}  // namespace expertoire
