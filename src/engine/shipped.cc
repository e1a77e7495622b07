#include "engine/shipped.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "io/hf_cache.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;

std::string first_existing(const std::vector<fs::path>& places, const std::string& relative) {
  for (const fs::path& place : places) {
    std::error_code error;
    if (fs::exists(place / relative, error)) return (place / relative).string();
  }
  std::vector<std::string> names;
  for (const fs::path& place : places) names.push_back(place.string());
  throw Error(ErrorCode::kNotFound,
              {"finding " + relative + ", which ships with the program",
               fmt::format("nothing in {}", fmt::join(names, ", ")), "it in one of them",
               "for a model, set EXPERTOIRE_MODELS to its parent folder, or give --model"});
}

}  // namespace

std::string shipped_path(const std::string& relative) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> places;
  for (const char* up : {"../share/expertoire", "../..", "../../.."}) {
    places.push_back((program / up).lexically_normal());
  }
  return first_existing(places, relative);
}

std::string shipped_model(const std::string& name) {
  const char* set = std::getenv("EXPERTOIRE_MODELS");
  if (set != nullptr && *set != '\0') return first_existing({set}, name);
  return shipped_path("models/" + name);
}

std::string model_folder(const std::string& spec) {
  std::error_code error;
  const bool ships = std::ranges::find(kShippedModels, spec) != std::end(kShippedModels);
  return ships && !fs::exists(spec, error) ? shipped_model(spec) : resolve_model_folder(spec);
}

}  // namespace expertoire
