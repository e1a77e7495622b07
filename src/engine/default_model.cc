#include "engine/default_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "io/hf_cache.h"

namespace expertoire {

namespace fs = std::filesystem;

std::string shipped_model(const std::string& name) {
  std::vector<std::string> places;
  if (const char* set = std::getenv("EXPERTOIRE_MODELS"); set != nullptr && *set != '\0') {
    places.emplace_back(set);
  } else {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (const char* relative : {"../share/expertoire/models", "../../models", "../../../models"}) {
      places.push_back((program / relative).lexically_normal().string());
    }
  }
  for (const std::string& place : places) {
    const fs::path folder = fs::path(place) / name;
    if (fs::exists(folder / "config.json")) return folder.string();
  }
  throw Error(
      ErrorCode::kNotFound,
      {"finding the default model " + name, fmt::format("nothing in {}", fmt::join(places, ", ")),
       "the models that ship", "set EXPERTOIRE_MODELS to their folder, or give --model"});
}

std::string model_folder(const std::string& spec) {
  return spec.empty() ? shipped_model(kDefaultModel) : resolve_model_folder(spec);
}

}  // namespace expertoire
