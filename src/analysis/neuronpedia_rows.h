// Rows of Neuronpedia's import form, as its tools write them (neuronpedia_utils.db_models; the
// converter of SAEDashboard).
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "analysis/unit_view.h"

namespace expertoire {

struct NeuronpediaOptions {
  std::string model;  ///< modelId; empty: the name of the index's model, without folders
  std::string release = "expertoire";
  std::string creator = "expertoire";  ///< creatorName
  std::string creator_id;              ///< of an account of the site; empty: to be set at import
};

/// Units of a layer and kind are one source.
struct NeuronpediaSource {
  int layer = 0;
  UnitKind kind = UnitKind::kExpert;

  /// "experts", "left-keys", "right-keys".
  std::string set() const;
  std::string id() const { return fmt::format("{}-{}", layer, set()); }
  auto operator<=>(const NeuronpediaSource&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// A row a table. Their keys are the site's; what it has and we do not is null or empty. Ids are
/// the same in every export of the same index.
class NeuronpediaRows {
 public:
  NeuronpediaRows(const ExpertIndex& index, NeuronpediaOptions options);

  /// modelId.
  const std::string& model_name() const { return options_.model; }

  nlohmann::json release() const;
  nlohmann::json model() const;
  nlohmann::json source_set(const NeuronpediaSource& source) const;
  nlohmann::json source(const NeuronpediaSource& source) const;
  /// A unit; its index is its router id.
  nlohmann::json feature(const NeuronpediaSource& source, const UnitView& view) const;
  /// Of view.contexts[context]. Its values are the scores that the index knows: those of top
  /// contexts, 0 elsewhere.
  nlohmann::json activation(const NeuronpediaSource& source, const UnitView& view,
                            size_t context) const;
  nlohmann::json explanation(const NeuronpediaSource& source, const UnitView& view,
                             const UnitLabel& label) const;

 private:
  const ExpertIndex& index_;
  NeuronpediaOptions options_;
  std::string made_, corpus_;
};

}  // namespace expertoire
