#include "analysis/layer_balance.h"

#include <map>
#include <utility>

namespace expertoire {

std::vector<LayerBalance> layer_balances(const ExpertIndex& index, Load load) {
  std::map<std::pair<int, UnitKind>, std::vector<double>> loads;
  for (const UnitSummary& summary : index.summaries()) {
    const Unit unit = index.units().unit(summary.number);
    loads[{unit.layer, unit.kind}].push_back(
        load == Load::kMass ? summary.mass : static_cast<double>(summary.count));
  }
  std::vector<LayerBalance> all;
  for (size_t i = 0; i < index.units().layers().size(); ++i) {
    const IndexedLayer& layer = index.units().layers()[i];
    const double mass = index.info().layer_mass[i], dropped = index.info().layer_dropped[i];
    for (const UnitKind kind : {UnitKind::kExpert, UnitKind::kLeft, UnitKind::kRight}) {
      const int64_t units = kind == UnitKind::kExpert ? layer.experts : layer.keys;
      if (units == 0) continue;
      all.push_back({layer.layer, kind, load_balance(loads[{layer.layer, kind}], units),
                     kind == UnitKind::kExpert && mass > 0 ? dropped / mass : 0});
    }
  }
  return all;
}

}  // namespace expertoire
