#include "analysis/unit_effects.h"

#include "io/json.h"

namespace expertoire {
namespace {

Checkpoint checked(const ExpertIndex& index, const std::string& folder) {
  Checkpoint checkpoint = Checkpoint::open(folder);
  check_same_weights(index, checkpoint);
  return checkpoint;
}

}  // namespace

UnitEffects::UnitEffects(const ExpertIndex& index, const std::string& folder, size_t most)
    : checkpoint_(checked(index, folder)),
      config_(parse_config(read_json_file(folder + "/config.json"), folder + "/config.json")),
      tokenizer_(Tokenizer::load(folder)),
      weights_(checkpoint_, config_),
      lens_(checkpoint_, config_, tokenizer_),
      most_(most) {}

std::vector<LogitEffect> UnitEffects::of(std::span<const Unit> units) {
  std::vector<std::vector<float>> outputs;
  for (const Unit& unit : units) outputs.push_back(weights_.own_output(unit));
  return lens_.effects(outputs, most_);
}

}  // namespace expertoire
