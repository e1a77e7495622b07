// Where the files that come with the program are.
#pragma once

#include <string>

namespace expertoire {

/// Path of `relative` ("models/olmoe-small", "data/demo/openstax.jsonl") beside the running
/// program: ../share/expertoire (installed), ../.. (build tree). Errors: kNotFound saying where it
/// looked.
std::string shipped_path(const std::string& relative);

/// Folder of the model `name` among those that ship; $EXPERTOIRE_MODELS names another place for
/// them. Errors: as shipped_path.
std::string shipped_model(const std::string& name);

/// The model of commands that are given none.
inline constexpr const char* kDefaultModel = "olmoe-small";

/// What --model means: "" = the default model, else resolve_model_folder.
std::string model_folder(const std::string& spec);

}  // namespace expertoire
