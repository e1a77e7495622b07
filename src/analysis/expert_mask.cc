#include "analysis/expert_mask.h"

#include <algorithm>

#include "eval/random_state.h"

namespace expertoire {
namespace {

constexpr double kMissing = 0.01;  // share of a mass that need not be reached

double sum_of(const std::vector<int>& experts, const std::vector<double>& masses) {
  double sum = 0;
  for (const int expert : experts) sum += masses[static_cast<size_t>(expert)];
  return sum;
}

// The experts of a layer outside `taken`, those with mass or those without, in a random order.
std::vector<int> drawn(const std::vector<int>& taken, const std::vector<double>& masses,
                       bool with_mass, RandomState& random) {
  std::vector<int> experts;
  for (int e = 0; e < static_cast<int>(masses.size()); ++e) {
    const bool has_mass = masses[static_cast<size_t>(e)] > 0;
    if (has_mass == with_mass && !std::ranges::binary_search(taken, e)) experts.push_back(e);
  }
  random.shuffle(std::span(experts));
  return experts;
}

}  // namespace

RoutingEdit ablation(const ExpertMask& mask, const EditModel& model) {
  std::vector<RoutingEdit::Item> items;
  for (const auto& [layer, experts] : mask) {
    if (experts.empty()) continue;
    items.push_back({.action = EditAction::kAblate,
                     .layers = std::vector<int>{layer},
                     .experts = experts,
                     .shared = false,
                     .factor = 1.0F,
                     .renormalize = false});
  }
  return {model, std::move(items)};
}

int64_t size_of(const ExpertMask& mask) {
  int64_t count = 0;
  for (const auto& [layer, experts] : mask) count += static_cast<int64_t>(experts.size());
  return count;
}

double mass_share(const ExpertMask& mask, const ExpertMasses& masses) {
  double taken = 0, all = 0;
  for (const auto& [layer, of_layer] : masses) {
    for (const double mass : of_layer) all += mass;
    if (const auto found = mask.find(layer); found != mask.end()) {
      taken += sum_of(found->second, of_layer);
    }
  }
  return all > 0 ? taken / all : 0;
}

ExpertMask random_of_same_number(const ExpertMask& mask, const ExpertMasses& masses,
                                 uint32_t seed) {
  ExpertMask control;
  RandomState random(seed);
  for (const auto& [layer, experts] : mask) {
    std::vector<int>& chosen = control[layer];
    for (const bool with_mass : {true, false}) {
      const std::vector<int> order = drawn(experts, masses.at(layer), with_mass, random);
      const size_t wanted = std::min(experts.size() - chosen.size(), order.size());
      chosen.insert(chosen.end(), order.begin(),
                    order.begin() + static_cast<std::ptrdiff_t>(wanted));
    }
    std::ranges::sort(chosen);
  }
  return control;
}

ExpertMask random_of_same_mass(const ExpertMask& mask, const ExpertMasses& masses, uint32_t seed) {
  ExpertMask control;
  RandomState random(seed);
  for (const auto& [layer, experts] : mask) {
    const std::vector<double>& of_layer = masses.at(layer);
    const double target = sum_of(experts, of_layer);
    std::vector<int>& chosen = control[layer];
    double sum = 0;
    for (const int expert : drawn(experts, of_layer, true, random)) {
      if (sum >= (1 - kMissing) * target) break;
      const double mass = of_layer[static_cast<size_t>(expert)];
      if (sum + mass > target) continue;
      chosen.push_back(expert);
      sum += mass;
    }
    std::ranges::sort(chosen);
  }
  return control;
}

}  // namespace expertoire
