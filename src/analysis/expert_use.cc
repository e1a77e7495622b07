#include "analysis/expert_use.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/family/family.h"

namespace expertoire {

ExpertUses::ExpertUses(Session& session, bool outputs) : session_(session), outputs_(outputs) {
  const ModelConfig& config = session.model().config();
  const std::vector<int> layers = config.routing_layers();
  if (config.family->ffn != FfnKind::kGated || layers.empty()) {
    throw Error(
        ErrorCode::kUnsupported,
        {"weighing experts", "a model of type " + config.model_type,
         "one whose router chooses among blocks (OLMoE, Qwen-MoE, DeepSeekMoE, Mixtral)", ""});
  }
  for (const int layer : layers) layers_[layer].resize(static_cast<size_t>(config.num_experts));
}

void ExpertUses::on_routing(const RoutingEvent& event) {
  const TopKRouting& routing = *event.top_k();
  const FfnInput input = outputs_ ? input_of(event) : FfnInput();
  for (int choice = 0; choice < routing.top_k; ++choice) {
    add_choice(event.layer, input, routing, choice);
  }
}

void ExpertUses::add_choice(int layer, const FfnInput& input, const TopKRouting& routing,
                            int choice) {
  std::vector<double> norms;
  if (outputs_) norms = output_norms(layer, input, routing, choice);
  std::vector<ExpertUse>& uses = layers_.at(layer);
  for (int64_t t = 0; t < routing.tokens; ++t) {
    const size_t at = static_cast<size_t>(t * routing.top_k + choice);
    const double weight = routing.weights[at];
    if (weight == 0) continue;
    ExpertUse& use = uses[static_cast<size_t>(routing.selected[at])];
    ++use.count;
    use.weight += weight;
    if (outputs_) use.output += weight * norms[static_cast<size_t>(t)];
  }
}

FfnInput ExpertUses::input_of(const RoutingEvent& event) {
  const int64_t tokens = static_cast<int64_t>(event.tokens.size());
  if (session_.model().compute() == Compute::kF32) return {tokens, event.input, event.input};
  const int64_t width = event.input.length;
  const Rows rows = compute_.ensure(Compute::kBF16, tokens, width);
  for (int64_t t = 0; t < tokens; ++t) {
    bf16_t* row = static_cast<bf16_t*>(rows.row(t));
    session_.executor().kernels().f32_to_bf16(static_cast<const float*>(event.input.row(t)), width,
                                              row);
    if (width % 2 != 0) row[width] = 0;  // bf16 products take pairs
  }
  return {tokens, event.input, rows};
}

// The layer's own mix, where each token has this one choice at weight 1 and no shared experts.
std::vector<double> ExpertUses::output_norms(int layer, const FfnInput& input,
                                             const TopKRouting& routing, int choice) {
  const int64_t tokens = routing.tokens, width = input.f32.length;
  Routing one = TopKRouting();
  TopKRouting& single = std::get<TopKRouting>(one);
  single.tokens = tokens;
  single.num_experts = routing.num_experts;
  single.top_k = 1;
  single.shared_weights.assign(routing.shared_weights.size(), 0.0F);
  for (int64_t t = 0; t < tokens; ++t) {
    const size_t at = static_cast<size_t>(t * routing.top_k + choice);
    single.selected.push_back(routing.selected[at]);
    single.weights.push_back(routing.weights[at] == 0 ? 0.0F : 1.0F);
  }
  const Rows out = out_.ensure(Compute::kF32, tokens, width);
  for (int64_t t = 0; t < tokens; ++t) std::fill_n(static_cast<float*>(out.row(t)), width, 0.0F);
  session_.model().layers()[static_cast<size_t>(layer)].ffn->mix(session_.executor(), input, one,
                                                                 nullptr, scratch_, out);
  std::vector<double> norms;
  for (int64_t t = 0; t < tokens; ++t) {
    const float* row = static_cast<const float*>(out.row(t));
    double square = 0;
    for (int64_t i = 0; i < width; ++i) square += double{row[i]} * row[i];
    norms.push_back(std::sqrt(square));
  }
  return norms;
}

}  // namespace expertoire
