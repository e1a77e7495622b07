#include "routing/edit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace expertoire {
namespace {

[[noreturn]] void refuse(std::string found, std::string expected) {
  throw Error(ErrorCode::kInvalidArgument,
              {"applying the routing edit", std::move(found), std::move(expected),
               "check the edit file against `expertoire info`"});
}

void check_model(const EditModel& wanted, const EditModel& have) {
  if (!wanted.model_type.empty() && wanted.model_type != have.model_type) {
    refuse(fmt::format("it was made for model_type {}", wanted.model_type),
           fmt::format("{}, the model's", have.model_type));
  }
  if (wanted.num_hidden_layers != 0 && wanted.num_hidden_layers != have.num_hidden_layers) {
    refuse(fmt::format("it was made for {} layers", wanted.num_hidden_layers),
           fmt::format("{}, the model's", have.num_hidden_layers));
  }
  if (wanted.num_experts != 0 && wanted.num_experts != have.num_experts) {
    refuse(fmt::format("it was made for {} experts a layer", wanted.num_experts),
           fmt::format("{}, the model's", have.num_experts));
  }
}

// Layers that an item speaks of: those it lists, or all that have what it names.
std::vector<int> layers_of(const RoutingEdit::Item& item,
                           const std::vector<EditableLayer>& layers) {
  const int count = static_cast<int>(layers.size());
  if (!item.layers) {
    std::vector<int> all;
    for (int layer = 0; layer < count; ++layer) {
      const EditableLayer& have = layers[static_cast<size_t>(layer)];
      if (have.num_experts > 0 && (!item.shared || have.has_shared)) all.push_back(layer);
    }
    if (all.empty()) {
      refuse(item.shared ? "no layer has shared experts" : "no layer has experts",
             "a model that has what the edit names");
    }
    return all;
  }
  for (int layer : *item.layers) {
    if (layer < 0 || layer >= count) {
      refuse(fmt::format("layer {}", layer), fmt::format("a layer from 0 to {}", count - 1));
    }
  }
  return *item.layers;
}

void check_experts(const RoutingEdit::Item& item, int layer, const EditableLayer& have) {
  if (have.num_experts == 0) {
    refuse(fmt::format("layer {} is dense", layer), "a layer with experts");
  }
  if (item.shared && !have.has_shared) {
    refuse(fmt::format("layer {} has no shared experts", layer), "router ids");
  }
  const bool chooses = item.action == EditAction::kReroute || item.action == EditAction::kForce;
  if (have.keys > 0 && chooses) {
    refuse(fmt::format("layer {} chooses keys, and a joint expert follows from two", layer),
           "ablate or scale for joint experts");
  }
  for (int expert : item.experts) {
    if (expert < 0 || expert >= have.num_experts) {
      refuse(fmt::format("expert {} of layer {}", expert, layer),
             fmt::format("an expert from 0 to {}", have.num_experts - 1));
    }
  }
}

template <class T>
T& slot(std::vector<T>& values, int num_experts, int expert, T otherwise) {
  values.resize(static_cast<size_t>(num_experts), otherwise);
  return values[static_cast<size_t>(expert)];
}

// Of routed experts.
bool changes_weights(const RoutingEdit::Item& item) {
  return !item.shared && (item.action == EditAction::kAblate || item.action == EditAction::kScale);
}

void apply(const RoutingEdit::Item& item, int num_experts, LayerEdit& edit) {
  const float factor = item.action == EditAction::kAblate ? 0.0F : item.factor;
  for (int expert : item.experts) {
    switch (item.action) {
      case EditAction::kAblate:
      case EditAction::kScale: slot(edit.factor, num_experts, expert, 1.0F) *= factor; break;
      case EditAction::kReroute:
        slot<uint8_t>(edit.rerouted, num_experts, expert, 0) = 1;
        if (!edit.forced.empty()) edit.forced[static_cast<size_t>(expert)] = 0;
        if (!edit.factor.empty()) edit.factor[static_cast<size_t>(expert)] = 1.0F;
        break;
      case EditAction::kForce:
        slot<uint8_t>(edit.forced, num_experts, expert, 0) = 1;
        if (!edit.rerouted.empty()) edit.rerouted[static_cast<size_t>(expert)] = 0;
        if (!edit.factor.empty()) edit.factor[static_cast<size_t>(expert)] = 1.0F;
        break;
    }
  }
  if (item.shared) edit.shared_factor *= factor;
  if (item.action == EditAction::kReroute) edit.renormalize_probs = item.renormalize;
  if (changes_weights(item)) edit.renormalize_weights = item.renormalize;
}

// One layer renormalises once, so its items must agree.
class RenormalizeVotes {
 public:
  void add(const RoutingEdit::Item& item, int layer) {
    const bool choice = item.action == EditAction::kReroute;
    if (!choice && !changes_weights(item)) return;
    const auto [vote, first] = votes_.try_emplace({layer, choice}, item.renormalize);
    if (first || vote->second == item.renormalize) return;
    refuse(fmt::format("edits of layer {} with and without renormalize", layer),
           choice ? "the same for all that reroute" : "the same for all that ablate or scale");
  }

 private:
  std::map<std::pair<int, bool>, bool> votes_;
};

void mark_touched(int keys, LayerEdit& edit) {
  const int64_t words = touched_words(keys);
  edit.touched.assign(static_cast<size_t>(words * keys), 0);
  for (size_t id = 0; id < edit.factor.size(); ++id) {
    if (edit.factor[id] == 1.0F) continue;
    const int64_t row = static_cast<int64_t>(id) / keys;
    const int64_t column = static_cast<int64_t>(id) % keys;
    edit.touched[static_cast<size_t>(row * words + column / 64)] |= uint64_t{1} << (column % 64);
  }
}

void check_counts(int layer, const LayerEdit& edit, const EditableLayer& have) {
  const auto count = [](const std::vector<uint8_t>& flags) {
    return static_cast<int>(std::count(flags.begin(), flags.end(), 1));
  };
  if (count(edit.forced) > have.top_k) {
    refuse(fmt::format("{} forced experts in layer {}", count(edit.forced), layer),
           fmt::format("at most top_k = {}", have.top_k));
  }
  if (have.num_experts - count(edit.rerouted) < have.top_k) {
    refuse(fmt::format("{} of {} experts rerouted in layer {}", count(edit.rerouted),
                       have.num_experts, layer),
           fmt::format("at least top_k = {} left", have.top_k));
  }
}

}  // namespace

bool EditModel::fits(const EditModel& other) const {
  const auto same = [](const auto& a, const auto& b, const auto& unsaid) {
    return a == b || a == unsaid || b == unsaid;
  };
  return same(model_type, other.model_type, std::string()) &&
         same(num_hidden_layers, other.num_hidden_layers, 0) &&
         same(num_experts, other.num_experts, 0);
}

RoutingEdit RoutingEdit::then(const RoutingEdit& next) const {
  RoutingEdit both = next;
  if (both.model_.model_type.empty()) both.model_.model_type = model_.model_type;
  for (int EditModel::*field : {&EditModel::num_hidden_layers, &EditModel::num_experts}) {
    if (both.model_.*field == 0) both.model_.*field = model_.*field;
  }
  both.items_.insert(both.items_.begin(), items_.begin(), items_.end());
  return both;
}

std::map<int, LayerEdit> RoutingEdit::compile(const EditModel& model,
                                              const std::vector<EditableLayer>& layers) const {
  check_model(model_, model);
  std::map<int, LayerEdit> compiled;
  RenormalizeVotes votes;
  for (const Item& item : items_) {
    for (int layer : layers_of(item, layers)) {
      const EditableLayer& have = layers[static_cast<size_t>(layer)];
      check_experts(item, layer, have);
      votes.add(item, layer);
      apply(item, have.num_experts, compiled[layer]);
    }
  }
  for (auto& [layer, edit] : compiled) {
    const EditableLayer& have = layers[static_cast<size_t>(layer)];
    if (have.keys > 0) {
      mark_touched(have.keys, edit);
    } else {
      check_counts(layer, edit, have);
    }
  }
  return compiled;
}

}  // namespace expertoire
