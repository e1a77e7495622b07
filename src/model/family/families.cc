#include <array>

#include "model/family/family.h"

namespace expertoire {

std::span<const FamilySpec* const> families() {
  static constexpr std::array<const FamilySpec*, 8> kAll = {
      &kOlmoe, &kQwen2Moe, &kDeepSeek, &kMixtral, &kQwen3Moe, &kLlama, &kMonet, &kPeer};
  return kAll;
}

const FamilySpec* find_family(std::string_view model_type) {
  for (const FamilySpec* family : families()) {
    if (family->model_type == model_type) return family;
  }
  return nullptr;
}

}  // namespace expertoire
