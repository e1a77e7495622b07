#include "analysis/neuronpedia_rows.h"

#include <algorithm>
#include <filesystem>

#include "base/content_hash.h"

namespace expertoire {
namespace {

using nlohmann::json;

// As long as their own ids, and the same in every export of the same index.
std::string id_of(const std::string& what) {
  return "c" + content_hash(what) + content_hash(what + " again").substr(0, 8);
}

}  // namespace

std::string NeuronpediaSource::set() const {
  return kind == UnitKind::kExpert ? "experts"
         : kind == UnitKind::kLeft ? "left-keys"
                                   : "right-keys";
}

NeuronpediaRows::NeuronpediaRows(const ExpertIndex& index, NeuronpediaOptions options)
    : index_(index), options_(std::move(options)) {
  const auto& provenance = index_.info().provenance;
  const auto value = [&](const char* key) {
    const auto found = provenance.find(key);
    return found == provenance.end() ? std::string() : found->second;
  };
  if (options_.model.empty()) {
    options_.model = std::filesystem::path(value("model")).filename().string();
  }
  if (options_.model.empty()) options_.model = "model";
  made_ = value("finished");
  corpus_ = value("corpus");
}

json NeuronpediaRows::release() const {
  return {{"name", options_.release},
          {"description", "Experts of " + options_.model},
          {"descriptionShort", "Experts of " + options_.model},
          {"creatorName", options_.creator},
          {"creatorNameShort", options_.creator},
          {"creatorId", options_.creator_id},
          {"visibility", "PUBLIC"},
          {"isNewUi", false},
          {"featured", false},
          {"urls", json::array()},
          {"creatorEmail", nullptr},
          {"defaultSourceSetName", nullptr},
          {"defaultSourceId", nullptr},
          {"defaultUmapSourceIds", json::array()},
          {"createdAt", made_}};
}

json NeuronpediaRows::model() const {
  return {{"id", options_.model},
          {"instruct", false},
          {"creatorId", options_.creator_id},
          {"displayNameShort", options_.model},
          {"displayName", options_.model},
          {"tlensId", nullptr},
          {"dimension", nullptr},
          {"visibility", "PUBLIC"},
          {"defaultSourceSetName", nullptr},
          {"defaultSourceId", nullptr},
          {"inferenceEnabled", false},
          {"layers", index_.units().layers().size()},
          {"neuronsPerLayer", 0},
          {"createdAt", made_},
          {"owner", ""},
          {"updatedAt", made_},
          {"website", nullptr}};
}

json NeuronpediaRows::source_set(const NeuronpediaSource& source) const {
  return {{"modelId", options_.model},
          {"name", source.set()},
          {"creatorId", options_.creator_id},
          {"hasDashboards", true},
          {"visibility", "PUBLIC"},
          {"description", "Mixture of experts, " + source.set()},
          {"type", "experts"},
          {"creatorName", options_.creator},
          {"urls", json::array()},
          {"creatorEmail", nullptr},
          {"releaseName", options_.release},
          {"defaultOfModelId", nullptr},
          {"defaultRange", 1},
          {"defaultShowBreaks", true},
          {"showDfa", false},
          {"showCorrelated", false},
          {"showHeadAttribution", false},
          {"showUmap", false},
          {"createdAt", made_}};
}

json NeuronpediaRows::source(const NeuronpediaSource& source) const {
  return {{"id", source.id()},
          {"modelId", options_.model},
          {"setName", source.set()},
          {"creatorId", options_.creator_id},
          {"hasDashboards", true},
          {"inferenceEnabled", false},
          {"inferenceHosts", json::array()},
          {"saelensConfig", nullptr},
          {"saelensRelease", nullptr},
          {"saelensSaeId", nullptr},
          {"hfRepoId", nullptr},
          {"hfFolderId", nullptr},
          {"visibility", "PUBLIC"},
          {"defaultOfModelId", nullptr},
          {"hasUmap", false},
          {"hasUmapLogSparsity", false},
          {"hasUmapClusters", false},
          {"num_prompts", index_.info().documents},
          {"num_tokens_in_prompt", nullptr},
          {"dataset", corpus_},
          {"notes", nullptr},
          {"createdAt", made_}};
}

json NeuronpediaRows::feature(const NeuronpediaSource& source, const UnitView& view) const {
  const UnitRecord& record = view.record;
  json row = {
      {"modelId", options_.model},
      {"layer", source.id()},
      {"index", std::to_string(record.unit.id)},
      {"creatorId", options_.creator_id},
      {"createdAt", made_},
      {"maxActApprox", record.max},
      {"hasVector", false},
      {"vector", json::array()},
      {"vectorLabel", nullptr},
      {"vectorDefaultSteerStrength", nullptr},
      {"hookName", nullptr},
      {"sourceSetName", source.set()},
      {"frac_nonzero", static_cast<double>(record.count) /
                           static_cast<double>(std::max<int64_t>(1, index_.info().tokens))}};
  for (const char* empty : {"topkCosSimIndices",
                            "topkCosSimValues",
                            "neuron_alignment_indices",
                            "neuron_alignment_values",
                            "neuron_alignment_l1",
                            "correlated_neurons_indices",
                            "correlated_neurons_pearson",
                            "correlated_neurons_l1",
                            "correlated_features_indices",
                            "correlated_features_pearson",
                            "correlated_features_l1",
                            "neg_str",
                            "neg_values",
                            "pos_str",
                            "pos_values",
                            "freq_hist_data_bar_heights",
                            "freq_hist_data_bar_values",
                            "logits_hist_data_bar_heights",
                            "logits_hist_data_bar_values",
                            "decoder_weights_dist"}) {
    row[empty] = json::array();
  }
  // Heights and values are read side by side: a bin is named by its middle.
  const float step = histogram_top(index_, record.unit) / kHistogramBins;
  for (size_t bin = 0; bin < record.histogram.size(); ++bin) {
    row["freq_hist_data_bar_heights"].push_back(record.histogram[bin]);
    row["freq_hist_data_bar_values"].push_back(step * (static_cast<float>(bin) + 0.5F));
  }
  if (!view.effect) return row;
  for (const TokenLogit& token : view.effect->promoted) {
    row["pos_str"].push_back(token.text);
    row["pos_values"].push_back(token.logit);
  }
  for (const TokenLogit& token : view.effect->suppressed) {
    row["neg_str"].push_back(token.text);
    row["neg_values"].push_back(token.logit);
  }
  return row;
}

json NeuronpediaRows::activation(const NeuronpediaSource& source, const UnitView& view,
                                 size_t context) const {
  const ShownContext& window = view.contexts[context];
  const auto highest = std::ranges::max_element(window.scores);
  const float step = histogram_top(index_, view.record.unit) / kHistogramBins;
  const int bin = histogram_bin(window.score, histogram_top(index_, view.record.unit));
  const uint32_t in_bin = view.record.histogram[static_cast<size_t>(bin)];
  return {{"id", id_of(fmt::format("{} {} {}", view.name, window.number, window.position))},
          {"tokens", window.pieces},
          {"index", std::to_string(view.record.unit.id)},
          {"layer", source.id()},
          {"modelId", options_.model},
          {"maxValue", *highest},
          {"maxValueTokenIndex", highest - window.scores.begin()},
          {"minValue", *std::ranges::min_element(window.scores)},
          {"values", window.scores},
          {"creatorId", options_.creator_id},
          {"dataSource", window.document},
          {"dataIndex", std::to_string(window.position)},
          {"dfaValues", json::array()},
          {"dfaTargetIndex", nullptr},
          {"dfaMaxValue", nullptr},
          {"createdAt", made_},
          {"lossValues", json::array()},
          {"logitContributions", nullptr},
          {"binMin", step * static_cast<float>(bin)},
          {"binMax", step * static_cast<float>(bin + 1)},
          {"binContains", static_cast<double>(in_bin) /
                              static_cast<double>(std::max<int64_t>(1, view.record.count))},
          {"qualifyingTokenIndex", window.mark}};
}

json NeuronpediaRows::explanation(const NeuronpediaSource& source, const UnitView& view,
                                  const UnitLabel& label) const {
  json notes = {{"reliable", label.reliable}, {"items", label.items}, {"source", label.source}};
  if (label.low && label.high) notes["interval"] = {*label.low, *label.high};
  return {{"id", id_of(view.name + " " + label.method)},
          {"modelId", options_.model},
          {"layer", source.id()},
          {"index", std::to_string(view.record.unit.id)},
          {"description", label.text},
          {"authorId", options_.creator_id},
          {"triggeredByUserId", nullptr},
          {"notes", notes.dump(-1, ' ', false, json::error_handler_t::replace)},
          {"scoreV1", label.score.value_or(0)},
          {"scoreV2", nullptr},
          {"umap_x", nullptr},
          {"umap_y", nullptr},
          {"umap_cluster", nullptr},
          {"umap_log_feature_sparsity", nullptr},
          {"typeName", label.method},
          {"explanationModelName", label.source},
          {"createdAt", label.made},
          {"updatedAt", label.made}};
}

}  // namespace expertoire
