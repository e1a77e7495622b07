// How much each expert of a top-k model is used on a corpus, and how much it then adds.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "engine/session.h"
#include "routing/sink.h"

namespace expertoire {

/// Of one expert, over the tokens that chose it with a weight other than 0.
struct ExpertUse {
  int64_t count = 0;
  double weight = 0;  ///< Σ router weight
  double output = 0;  ///< Σ router weight · |expert's output|

  /// REAP's saliency (Lasby et al., arXiv 2510.13999), the mean of the last; 0 when unused. Weights
  /// are the model's own: its authors' code divides a token's by their sum.
  double reap() const { return count == 0 ? 0 : output / static_cast<double>(count); }
};

/// Adds up uses while a session runs.
class ExpertUses final : public RoutingSink {
 public:
  /// With `outputs`, every expert is computed a second time to know its output alone. Errors:
  /// kUnsupported for a model whose experts are no blocks of their own (Monet, PEER, dense).
  ExpertUses(Session& session, bool outputs);

  void on_routing(const RoutingEvent& event) override;
  /// By layer, then expert.
  const std::map<int, std::vector<ExpertUse>>& layers() const { return layers_; }

 private:
  void add_choice(int layer, const FfnInput& input, const TopKRouting& routing, int choice);
  FfnInput input_of(const RoutingEvent& event);
  std::vector<double> output_norms(int layer, const FfnInput& input, const TopKRouting& routing,
                                   int choice);

  Session& session_;
  bool outputs_;
  std::map<int, std::vector<ExpertUse>> layers_;
  FfnScratch scratch_;
  RowBuffer compute_, out_;
};

}  // namespace expertoire
