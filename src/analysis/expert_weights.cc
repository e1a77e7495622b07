#include "analysis/expert_weights.h"

#include <fmt/format.h>

#include "analysis/expert_index.h"
#include "analysis/layer_tensors.h"
#include "analysis/mean_activation.h"
#include "base/content_hash.h"
#include "base/error.h"
#include "model/family/family.h"
#include "model/own_edit.h"

namespace expertoire {
namespace {

std::vector<float> to_floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

void append(std::vector<float>& to, const TensorView& view, int64_t first, int64_t count) {
  const size_t size = to.size();
  to.resize(size + static_cast<size_t>(count));
  read_f32(view, first, count, to.data() + size);
}

// Columns [key · width, … + width) of a matrix [rows, n · width], row by row.
void append_columns(std::vector<float>& to, const TensorView& view, int64_t key, int64_t width) {
  for (int64_t row = 0; row < view.shape[0]; ++row) {
    append(to, view, row * view.shape[1] + key * width, width);
  }
}

}  // namespace

ExpertWeights::ExpertWeights(const Checkpoint& checkpoint, const ModelConfig& config)
    : checkpoint_(checkpoint), config_(config), monet_(checkpoint, config) {
  if (config.routing_layers().empty()) {
    throw Error(ErrorCode::kInvalidArgument, {"reading experts of " + checkpoint.folder(),
                                              "a dense model", "one with experts", ""});
  }
}

std::vector<int> ExpertWeights::layers_served(int layer) const {
  std::vector<int> layers = {layer};
  for (int next = layer + 1; next < config_.num_hidden_layers; ++next) {
    if (config_.monet.keys == 0 || config_.routes(next)) break;
    layers.push_back(next);
  }
  return layers;
}

std::vector<float> ExpertWeights::monet_output(int layer, int64_t left, int64_t right) {
  std::vector<double> output(static_cast<size_t>(config_.hidden_size));
  for (const int served : layers_served(layer)) monet_.add(served, left, right, output);
  return to_floats(output);
}

std::vector<float> ExpertWeights::sparse_output(const Unit& unit) const {
  const int64_t hidden = config_.hidden_size, width = config_.moe_intermediate_size;
  const FfnTensors& names = config_.family->tensors;
  const std::string expert = fmt::format(fmt::runtime(names.expert), fmt::arg("e", unit.id));
  const auto read = [&](std::string_view part, const std::vector<int64_t>& shape) {
    return read_tensor(checkpoint_,
                       layer_name(unit.layer, fmt::format("{}{}.weight", expert, part)), shape);
  };
  const std::vector<float> gate = read(names.gate, {width, hidden});
  const std::vector<float> up = read(names.up, {width, hidden});
  const std::vector<float> down = read(names.down, {hidden, width});
  const std::vector<float> norm = norm_weight(checkpoint_, config_, unit.layer);
  std::vector<double> output(static_cast<size_t>(hidden));
  for (int64_t m = 0; m < width; ++m) {
    const double active = weighed_dot(gate.data() + m * hidden, up.data() + m * hidden, norm) / 2;
    for (int64_t o = 0; o < hidden; ++o) {
      output[static_cast<size_t>(o)] += active * down[static_cast<size_t>(o * width + m)];
    }
  }
  return to_floats(output);
}

std::vector<float> ExpertWeights::peer_output(const Unit& unit) const {
  const int64_t hidden = config_.hidden_size;
  const std::vector<int64_t> shape = {config_.num_experts, hidden};
  std::vector<float> in, out;
  append(in, checked_tensor(checkpoint_, layer_name(unit.layer, "mlp.down"), shape),
         unit.id * hidden, hidden);
  append(out, checked_tensor(checkpoint_, layer_name(unit.layer, "mlp.up"), shape),
         unit.id * hidden, hidden);
  const double active =
      mean_gelu(weighed_dot(in.data(), in.data(), norm_weight(checkpoint_, config_, unit.layer)));
  for (float& value : out) value = static_cast<float>(value * active);
  return out;
}

std::vector<float> ExpertWeights::mean_output(const Unit& unit) {
  const int64_t n = config_.monet.keys;
  if (n == 0) return config_.peer.keys > 0 ? peer_output(unit) : sparse_output(unit);
  switch (unit.kind) {
    case UnitKind::kLeft: return monet_output(unit.layer, unit.id, n);
    case UnitKind::kRight: return monet_output(unit.layer, n, unit.id);
    default: return monet_output(unit.layer, unit.id / n, unit.id % n);
  }
}

const std::vector<float>& ExpertWeights::layer_mean(int layer) {
  std::vector<float>& mean = means_[layer];
  if (!mean.empty()) return mean;
  if (const int64_t n = config_.monet.keys; n > 0) return mean = monet_output(layer, n, n);
  std::vector<double> sum(static_cast<size_t>(config_.hidden_size));
  for (int64_t e = 0; e < config_.num_experts; ++e) {
    const std::vector<float> output = mean_output({layer, UnitKind::kExpert, e});
    for (size_t k = 0; k < sum.size(); ++k) sum[k] += double{output[k]} / config_.num_experts;
  }
  return mean = to_floats(sum);
}

std::vector<float> ExpertWeights::own_output(const Unit& unit) {
  std::vector<float> output = mean_output(unit);
  const std::vector<float>& mean = layer_mean(unit.layer);
  for (size_t k = 0; k < output.size(); ++k) output[k] -= mean[k];
  return output;
}

std::vector<float> ExpertWeights::key_weights(int layer, bool right, int64_t key) const {
  const MonetConfig& monet = config_.monet;
  const int64_t n = monet.keys, hidden = config_.hidden_size;
  const int64_t width = monet.vertical ? monet.width / 2 : monet.width;
  const int64_t outputs = monet.vertical ? hidden / 2 : hidden;
  const std::string number = monet.vertical ? (right ? "2" : "1") : "";
  std::vector<float> all;
  const auto tensor = [&](const std::string& part,
                          const std::vector<int64_t>& shape) -> const TensorView& {
    return checked_tensor(checkpoint_, layer_name(layer, "moe." + part), shape);
  };
  if (monet.vertical || !right) {
    append(all, tensor("u" + number + ".weight", {n * width, hidden}), key * width * hidden,
           width * hidden);
    append(all, tensor("u" + number + ".bias", {n * width}), key * width, width);
  }
  if (monet.vertical || right) {
    const std::vector<int64_t> shape = {outputs, n * width};
    if (monet.vertical) {
      append_columns(all, tensor(right ? "v22.weight" : "v11.weight", shape), key, width);
      append_columns(all, tensor(right ? "v21.weight" : "v12.weight", shape), key, width);
    } else {
      append_columns(all, tensor("v.weight", shape), key, width);
    }
    append(all, tensor("b" + number, {n, outputs}), key * outputs, outputs);
  }
  return all;
}

std::vector<float> ExpertWeights::flat(const Unit& unit) {
  std::vector<float> all;
  const auto add = [&](const std::vector<float>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  if (const int64_t n = config_.monet.keys; n > 0) {
    for (const int layer : layers_served(unit.layer)) {
      const bool joint = unit.kind == UnitKind::kExpert;
      if (unit.kind != UnitKind::kRight) {
        add(key_weights(layer, false, joint ? unit.id / n : unit.id));
      }
      if (unit.kind != UnitKind::kLeft) {
        add(key_weights(layer, true, joint ? unit.id % n : unit.id));
      }
    }
    return all;
  }
  const int64_t hidden = config_.hidden_size;
  if (config_.peer.keys > 0) {
    for (const char* part : {"mlp.down", "mlp.up"}) {
      append(
          all,
          checked_tensor(checkpoint_, layer_name(unit.layer, part), {config_.num_experts, hidden}),
          unit.id * hidden, hidden);
    }
    return all;
  }
  const FfnTensors& names = config_.family->tensors;
  const int64_t width = config_.moe_intermediate_size;
  for (const std::string_view part : {names.gate, names.up, names.down}) {
    const std::string name =
        fmt::format(fmt::runtime(names.expert), fmt::arg("e", unit.id)) + std::string(part);
    const bool down = part == names.down;
    add(read_tensor(checkpoint_, layer_name(unit.layer, name + ".weight"),
                    {down ? hidden : width, down ? width : hidden}));
  }
  return all;
}

void check_same_weights(const ExpertIndex& index, const Checkpoint& checkpoint) {
  const RoutingEdit edit = read_own_edit(checkpoint.folder());
  const std::string sample = checkpoint.sample() + (edit.empty() ? "" : edit.to_json());
  const auto& provenance = index.info().provenance;
  const auto weights = provenance.find("weights_hash");
  if (weights != provenance.end() && weights->second == content_hash(sample)) return;
  const auto name = provenance.find("model");
  throw Error(ErrorCode::kInvalidArgument,
              {"using the index " + index.path(), "the model " + checkpoint.folder(),
               fmt::format("the one that the index was made with ({})",
                           name == provenance.end() ? "not said" : name->second),
               "name it with --model"});
}

}  // namespace expertoire
