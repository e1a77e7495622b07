#include "analysis/domain_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "analysis/domain_masks.h"
#include "analysis/unit_uses.h"
#include "base/error.h"
#include "io/atomic_file.h"
#include "io/folder_writer.h"
#include "io/json.h"
#include "routing/edit_comment.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr std::string_view kKindNames[] = {"expert", "left", "right"};

// JSON has no infinity: a ratio without end is null.
json ratio(double value) { return std::isfinite(value) ? json(value) : json(); }

json expert_line(const DomainExpert& expert, const IndexedDomains& domains,
                 const UnitTable& units) {
  const auto name = [&](int domain) { return domains.names[static_cast<size_t>(domain)]; };
  json line = {{"unit", units.name(units.unit(expert.unit))},
               {"domain", name(expert.lead.first)},
               {"second", name(expert.lead.second)},
               {"mass_per_token", expert.lead.rate},
               {"ratio", ratio(1 / expert.lead.share)},
               {"documents", expert.documents},
               {"qualifies", expert.qualifies}};
  if (expert.ratio_low) line["ratio_low"] = ratio(*expert.ratio_low);
  return line;
}

void write_experts(const DomainSelection& selection, const UnitTable& units,
                   const std::string& path) {
  AtomicFile file(path);
  for (const DomainExpert& expert : selection.experts) {
    file.write(expert_line(expert, selection.domains, units)
                   .dump(-1, ' ', false, json::error_handler_t::replace) +
               "\n");
  }
  file.commit();
}

}  // namespace

json to_json(const DomainSelection& selection, const DomainOptions& options,
             const UnitTable& units) {
  const auto counts = count_by_layer(selection, units);
  json domains = json::array();
  for (size_t d = 0; d < selection.domains.names.size(); ++d) {
    json layers = json::array();
    DomainCount total;
    for (size_t i = 0; i < counts.size(); ++i) {
      const DomainCount& count = counts[i][d];
      total.plain += count.plain;
      total.qualified += count.qualified;
      layers.push_back({{"layer", units.layers()[i].layer},
                        {"plain", count.plain},
                        {"qualified", count.qualified}});
    }
    domains.push_back({{"name", selection.domains.names[d]},
                       {"tokens", selection.domains.tokens[d]},
                       {"documents", selection.domains.documents[d]},
                       {"layers", std::move(layers)},
                       {"plain", total.plain},
                       {"qualified", total.qualified}});
  }
  return {{"rule", kDomainRuleNames[static_cast<size_t>(options.rule)]},
          {"factor", options.wanted()},
          {"kind", kKindNames[static_cast<size_t>(options.kind)]},
          {"least_documents", options.least_documents},
          {"resamples", options.bootstrap.resamples},
          {"seed", options.bootstrap.seed},
          {"domains", std::move(domains)},
          {"absent", selection.domains.absent},
          {"left_out", selection.domains.left_out}};
}

json agreement_json(const DomainSelection& first, const DomainSelection& second) {
  const auto figures = [](const DomainAgreement& row) {
    return json{{"first", row.first},
                {"second", row.second},
                {"both", row.both},
                {"jaccard", row.jaccard()}};
  };
  const std::vector<DomainAgreement> plain = agreement(first, second, false);
  const std::vector<DomainAgreement> qualified = agreement(first, second, true);
  json rows = json::array();
  for (size_t i = 0; i < plain.size(); ++i) {
    rows.push_back({{"domain", plain[i].domain},
                    {"plain", figures(plain[i])},
                    {"qualified", figures(qualified[i])}});
  }
  return rows;
}

std::vector<std::string> write_domains(const DomainSelection& selection, const UnitTable& units,
                                       const ModelConfig& config, bool plain,
                                       const std::string& out) {
  FolderWriter folder(out);
  std::vector<std::string> files;
  std::set<std::string> taken;
  for (size_t d = 0; d < selection.domains.names.size(); ++d) {
    const std::string& domain = selection.domains.names[d];
    const std::string name = domain_file_name(domain) + ".json";
    if (!taken.insert(name).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"writing " + out, fmt::format("two domains for the file {}", name),
                   "names that differ in letters and digits", "rename one of them"});
    }
    const ExpertMask mask = mask_of(selection, static_cast<int>(d), units, plain);
    files.push_back(size_of(mask) == 0 ? "" : name);
    if (size_of(mask) == 0) continue;
    write_file(
        folder.temporary() + "/" + name,
        commented_edit(edit_of(mask, config),
                       fmt::format("the {}experts of {}", plain ? "" : "qualified ", domain)));
  }
  write_experts(selection, units, folder.temporary() + "/experts.jsonl");
  folder.commit();
  return files;
}

ModelConfig config_for(const ExpertIndex& index, const std::string& folder) {
  const std::string path = folder + "/config.json";
  ModelConfig config = parse_config(read_json_file(path), path);
  if (units_of(config).layers() == index.units().layers()) return config;
  throw Error(
      ErrorCode::kInvalidArgument,
      {"using the index " + index.path(), "the model " + folder + ", which routes otherwise",
       "the model that the index was made with", "name it with --model"});
}

}  // namespace expertoire
