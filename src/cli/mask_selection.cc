#include "cli/mask_selection.h"

#include "analysis/domain_report.h"

namespace expertoire::cli {

SelectedMasks select_from_index(const DomainFlags& flags, int threads, const ExpertIndex& index,
                                const ExpertIndex* second, const DomainGroups& groups) {
  const DomainOptions chosen = flags.options(threads);
  const DomainSelection selection = select_with_progress(index, groups, chosen);
  SelectedMasks selected{selection.domains, {}, to_json(selection, chosen, index.units()), {}};
  for (size_t d = 0; d < selected.domains.names.size(); ++d) {
    selected.masks.push_back(mask_of(selection, static_cast<int>(d), index.units(), flags.plain));
  }
  if (second != nullptr) {
    selected.agreement = agreement_json(selection, select_with_progress(*second, groups, chosen));
  }
  return selected;
}

SelectedMasks select_from_files(const std::string& folder, const ExpertIndex& index,
                                const DomainGroups& groups, const ModelConfig& config) {
  const IndexInfo& info = index.info();
  SelectedMasks selected{
      indexed_domains(groups, info.labels, info.label_tokens, info.label_documents), {}, {}, {}};
  selected.masks = load_masks(folder, selected.domains.names, config);
  return selected;
}

}  // namespace expertoire::cli
