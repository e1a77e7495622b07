#include "analysis/export_json.h"

#include <cmath>

#include "io/atomic_file.h"

namespace expertoire {
namespace {

using nlohmann::json;

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json affinity_entry(const UnitView& view, const IndexInfo& info) {
  double sum = 0, entropy = 0;
  for (const LabelRate& rate : view.rates) sum += rate.rate;
  json affinity = json::object(), top = nullptr, label = nullptr;
  for (const LabelRate& rate : view.rates) {
    if (rate.rate == 0) continue;
    const double share = rate.rate / sum;
    const std::string& name = info.labels[static_cast<size_t>(rate.label)];
    affinity[name] = share;
    entropy -= share * std::log2(share);
    if (top.is_null()) top = name;  // by falling rate
  }
  if (!view.labels.empty() && view.labels[0].reliable) label = view.labels[0].text;
  return {{"affinity", affinity}, {"entropy", entropy}, {"top", top}, {"label", label}};
}

}  // namespace

void export_jsonl(ExportedUnits& units, const std::string& path,
                  const std::function<void(int64_t done)>& progress) {
  AtomicFile file(path);
  int64_t done = 0;
  units.for_each([&](const UnitView& view) {
    file.write(dumped(to_json(view, units.index())) + "\n");
    progress(++done);
  });
  file.commit();
}

void export_experts_json(ExportedUnits& units, const std::string& path,
                         const std::function<void(int64_t done)>& progress) {
  AtomicFile file(path);
  int64_t done = 0;
  units.for_each([&](const UnitView& view) {
    const json entry = affinity_entry(view, units.index().info());
    file.write((done == 0 ? "{" : ",\n ") + dumped(json(view.name)) + ": " + dumped(entry));
    progress(++done);
  });
  file.write("}\n");
  file.commit();
}

}  // namespace expertoire
