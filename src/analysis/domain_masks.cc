#include "analysis/domain_masks.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace expertoire {
namespace {

// The decoder layers that a router serves: its own, and those up to the next router.
std::vector<int> layers_of_router(const ModelConfig& config, int layer) {
  const std::vector<EditableLayer> editable = config.editable_layers();
  std::vector<int> layers;
  for (int at = layer; at < config.num_hidden_layers && (at == layer || !config.routes(at)); ++at) {
    if (editable[static_cast<size_t>(at)].num_experts > 0) layers.push_back(at);
  }
  return layers;
}

void add_unit(const Unit& unit, int keys, std::vector<int>& experts) {
  const auto id = static_cast<int>(unit.id);
  switch (unit.kind) {
    case UnitKind::kExpert: experts.push_back(id); break;
    case UnitKind::kLeft:
      for (int j = 0; j < keys; ++j) experts.push_back(id * keys + j);
      break;
    case UnitKind::kRight:
      for (int i = 0; i < keys; ++i) experts.push_back(i * keys + id);
      break;
  }
}

[[noreturn]] void refuse(const std::string& what, int layer, std::string found) {
  throw Error(ErrorCode::kInvalidArgument,
              {"masking with " + what, fmt::format("layer {} {}", layer, found),
               "an edit that only ablates routed experts, without renormalize",
               "`experts domains --out` writes such edits"});
}

std::vector<int> ablated(const LayerEdit& edit, int layer, const std::string& what) {
  if (!edit.rerouted.empty() || !edit.forced.empty() || edit.shared_factor != 1.0F ||
      edit.renormalize_weights) {
    refuse(what, layer, "reroutes, forces, renormalizes or changes shared experts");
  }
  std::vector<int> experts;
  for (size_t id = 0; id < edit.factor.size(); ++id) {
    if (edit.factor[id] == 0.0F) {
      experts.push_back(static_cast<int>(id));
    } else if (edit.factor[id] != 1.0F) {
      refuse(what, layer, fmt::format("scales expert {}", id));
    }
  }
  return experts;
}

ExpertMasses empty_masses(const UnitTable& units) {
  ExpertMasses masses;
  for (const IndexedLayer& layer : units.layers()) {
    masses[layer.layer].assign(static_cast<size_t>(layer.experts), 0.0);
  }
  return masses;
}

bool is_random(MaskKind kind) {
  return kind == MaskKind::kSameNumber || kind == MaskKind::kSameMass ||
         kind == MaskKind::kSameTargetMass;
}

}  // namespace

ExpertMask mask_of(const DomainSelection& selection, int domain, const UnitTable& units,
                   bool plain) {
  ExpertMask mask;
  for (const DomainExpert& expert : selection.experts) {
    if (expert.lead.first != domain || !(plain || expert.qualifies)) continue;
    const Unit unit = units.unit(expert.unit);
    add_unit(unit, units.layer(unit.layer).keys, mask[unit.layer]);
  }
  for (auto& of_layer : mask) std::ranges::sort(of_layer.second);
  return mask;
}

RoutingEdit edit_of(const ExpertMask& mask, const ModelConfig& config) {
  std::vector<RoutingEdit::Item> items;
  for (const auto& [layer, experts] : mask) {
    if (experts.empty()) continue;
    RoutingEdit::Item item;
    item.layers = layers_of_router(config, layer);
    item.experts = experts;
    items.push_back(std::move(item));
  }
  return {config.edit_model(), std::move(items)};
}

ExpertMask mask_of(const RoutingEdit& edit, const ModelConfig& config, const std::string& what) {
  const std::map<int, LayerEdit> compiled =
      edit.compile(config.edit_model(), config.editable_layers());
  ExpertMask mask;
  for (const int router : config.routing_layers()) {
    bool first = true;
    for (const int layer : layers_of_router(config, router)) {
      const auto found = compiled.find(layer);
      std::vector<int> experts;
      if (found != compiled.end()) experts = ablated(found->second, layer, what);
      if (first) {
        mask[router] = std::move(experts);
      } else if (experts != mask[router]) {
        refuse(what, layer, fmt::format("is not edited as layer {}, whose router it uses", router));
      }
      first = false;
    }
    if (mask[router].empty()) mask.erase(router);
  }
  return mask;
}

IndexMasses read_masses(const ExpertIndex& index, const IndexedDomains& domains) {
  IndexMasses masses;
  masses.whole = masses.counts = empty_masses(index.units());
  masses.by_domain.assign(domains.names.size(), masses.whole);
  index.for_each([&](const UnitRecord& record) {
    if (record.unit.kind != UnitKind::kExpert) return;
    const auto id = static_cast<size_t>(record.unit.id);
    masses.whole[record.unit.layer][id] = record.mass;
    masses.counts[record.unit.layer][id] = static_cast<double>(record.count);
    for (size_t label = 0; label < record.labels.size(); ++label) {
      const int domain = domains.of_label[label];
      if (domain < 0) continue;
      masses.by_domain[static_cast<size_t>(domain)][record.unit.layer][id] +=
          record.labels[label].mass;
    }
  });
  return masses;
}

ExpertMask most_frequent(const ExpertMask& mask, const ExpertMasses& counts) {
  ExpertMask top;
  for (const auto& [layer, experts] : mask) {
    const std::vector<double>& of_layer = counts.at(layer);
    std::vector<int> order(of_layer.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&of_layer](int a, int b) {
      return of_layer[static_cast<size_t>(a)] > of_layer[static_cast<size_t>(b)];
    });
    order.resize(experts.size());
    std::ranges::sort(order);
    top[layer] = std::move(order);
  }
  return top;
}

std::vector<PlannedMask> plan_masks(const std::vector<ExpertMask>& selected,
                                    const IndexMasses& masses, const std::vector<MaskKind>& kinds,
                                    int seeds, uint32_t seed) {
  std::vector<PlannedMask> plan;
  for (size_t domain = 0; domain < selected.size(); ++domain) {
    const ExpertMask& mask = selected[domain];
    if (size_of(mask) == 0) continue;
    const ExpertMasses& of_target = masses.by_domain.at(domain);
    const auto add = [&](MaskKind kind, int number, ExpertMask one) {
      MaskRun run{
          static_cast<int>(domain),  kind, number, size_of(one), mass_share(one, masses.whole),
          mass_share(one, of_target)};
      plan.push_back({run, std::move(one)});
    };
    add(MaskKind::kSelected, 0, mask);
    for (const MaskKind kind : kinds) {
      if (kind == MaskKind::kFrequent) add(kind, 0, most_frequent(mask, masses.counts));
      for (int number = 0; is_random(kind) && number < seeds; ++number) {
        const uint32_t drawn = seed + static_cast<uint32_t>(number);
        add(kind, number,
            kind == MaskKind::kSameNumber ? random_of_same_number(mask, masses.whole, drawn)
            : kind == MaskKind::kSameMass ? random_of_same_mass(mask, masses.whole, drawn)
                                          : random_of_same_mass(mask, of_target, drawn));
      }
    }
  }
  return plan;
}

}  // namespace expertoire
