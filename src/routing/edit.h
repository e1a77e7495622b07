// Writing routing: what a RoutingEdit file says, and what it does to one layer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/routing.h"

namespace expertoire {

/// What is done to an expert.
///   ablate   its weight becomes 0 after selection: its contribution is dropped
///   reroute  it cannot be selected: its logit counts as −inf before top-k
///   scale    its weight is multiplied by `factor` after selection
///   force    it is always selected, in place of the least probable choices
/// `renormalize`: for ablate and scale, the token's weights are rescaled to keep their sum; for
/// reroute, probabilities are taken over the remaining experts (otherwise each keeps its own).
/// A forced expert enters with its own probability.
enum class EditAction : uint8_t { kAblate, kReroute, kScale, kForce };

inline constexpr std::string_view kEditActionNames[] = {"ablate", "reroute", "scale", "force"};

/// The edits of one layer, ready to apply. Experts are router ids; the shared experts of a layer
/// are one unit that can be ablated or scaled.
struct LayerEdit {
  std::vector<uint8_t> rerouted;  ///< [E], 1 = never selected; empty = none
  std::vector<uint8_t> forced;    ///< [E], 1 = always selected; empty = none
  std::vector<float> factor;      ///< [E], multiplies the weight (0 = ablated); empty = none
  float shared_factor = 1.0F;
  bool renormalize_probs = false;    ///< of reroute
  bool renormalize_weights = false;  ///< of ablate and scale
  /// Factored layers, E = n²: bit j of row i is set where factor[i · n + j] ≠ 1, in
  /// touched_words(n) words a row; empty in other layers.
  std::vector<uint64_t> touched;
};

/// 64-bit words of a row of LayerEdit::touched.
constexpr int64_t touched_words(int64_t keys) { return (keys + 63) / 64; }

/// What a model must look like for an edit to fit. Empty fields fit any model.
struct EditModel {
  std::string model_type;
  int num_hidden_layers = 0;
  int num_experts = 0;

  /// Does this describe the same model, as far as both say?
  bool fits(const EditModel& other) const;
};

/// A layer's part in what an edit may name.
struct EditableLayer {
  int num_experts = 0;  ///< 0 = a dense layer
  int top_k = 0;
  bool has_shared = false;
  int keys = 0;  ///< n of a factored layer, whose experts are the n² pairs; else 0
};

/// A list of edits, in order. Factors multiply; reroute and force replace what was said of the
/// same expert before, and each other.
class RoutingEdit {
 public:
  struct Item {
    EditAction action = EditAction::kAblate;
    /// Absent = every layer that has what is named.
    std::optional<std::vector<int>> layers = std::nullopt;
    std::vector<int> experts;  ///< router ids; i · n + j in a factored layer
    bool shared = false;       ///< the shared experts of the layers
    float factor = 1.0F;       ///< of kScale
    bool renormalize = false;
  };

  RoutingEdit() = default;
  RoutingEdit(EditModel model, std::vector<Item> items)
      : model_(std::move(model)), items_(std::move(items)) {}

  /// Format "expertoire.routing_edit", version 1 (docs/edits.md). Errors: kBadFile, kUnsupported
  /// for another version.
  static RoutingEdit parse(std::string_view json, const std::string& what);
  static RoutingEdit load(const std::string& path);
  std::string to_json() const;

  bool empty() const { return items_.empty(); }
  /// This edit and after it `next`, for the model that the two describe.
  RoutingEdit then(const RoutingEdit& next) const;
  const EditModel& model() const { return model_; }
  const std::vector<Item>& items() const { return items_; }

  /// The edits of each layer that has any. Errors: kInvalidArgument for a layer or expert that the
  /// model lacks, shared experts where there are none, more forced experts than top_k, fewer
  /// experts left than top_k, two answers to `renormalize` in a layer (one each for the choice
  /// and for the weights), or another model than the file names.
  std::map<int, LayerEdit> compile(const EditModel& model,
                                   const std::vector<EditableLayer>& layers) const;

 private:
  EditModel model_;
  std::vector<Item> items_;
};

}  // namespace expertoire
