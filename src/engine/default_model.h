// Where the models that come with the program are.
#pragma once

#include <string>

namespace expertoire {

/// Folder of the model `name` among those that ship: below $EXPERTOIRE_MODELS, or beside the
/// running program: ../share/expertoire/models (installed), ../../models (build tree). Errors:
/// kNotFound saying where it looked.
std::string shipped_model(const std::string& name);

/// The model of commands that are given none.
inline constexpr const char* kDefaultModel = "olmoe-small";

/// What --model means: "" = the default model, else resolve_model_folder.
std::string model_folder(const std::string& spec);

}  // namespace expertoire
