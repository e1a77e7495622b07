#include "analysis/expert_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "analysis/expert_index.h"
#include "base/error.h"
#include "io/refuse.h"
#include "model/family/family.h"
#include "model/own_edit.h"

namespace expertoire {
namespace {

std::string layer_name(int layer, std::string_view rest) {
  return fmt::format("model.layers.{}.{}", layer, rest);
}

// E[relu(t)²] for t ~ N(mean, spread²).
double mean_relu2(double mean, double spread) {
  if (spread == 0) return mean > 0 ? mean * mean : 0;
  const double z = mean / spread;
  const double below = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  return (mean * mean + spread * spread) * below + mean * spread * density;
}

// E[gelu(t)] for t ~ N(0, variance).
double mean_gelu(double variance) {
  return variance / std::sqrt(2 * std::numbers::pi * (1 + variance));
}

// Σ_k w_k² a_k b_k.
double weighed_dot(const float* a, const float* b, const std::vector<float>& w) {
  double sum = 0;
  for (size_t k = 0; k < w.size(); ++k) sum += double{w[k]} * w[k] * a[k] * b[k];
  return sum;
}

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

const TensorView& checked_tensor(const Checkpoint& checkpoint, const std::string& name,
                                 const std::vector<int64_t>& shape) {
  const TensorView& view = checkpoint.tensor(name);
  if (view.shape != shape) {
    bad_file(checkpoint.folder(), fmt::format("{} of shape {}", name, shape_text(view.shape)),
             shape_text(shape));
  }
  return view;
}

std::vector<float> read_tensor(const Checkpoint& checkpoint, const std::string& name,
                               const std::vector<int64_t>& shape) {
  const TensorView& view = checked_tensor(checkpoint, name, shape);
  std::vector<float> values(static_cast<size_t>(view.elements()));
  read_f32(view, 0, view.elements(), values.data());
  return values;
}

// What key k adds when joined with key p of the other side: steady[k] + cross[k] · active[p]. All
// three are linear, so the mean over partners is what their means add: they stand after the keys.
struct ExpertWeights::KeySide {
  int64_t keys = 0;
  int64_t outputs = 0;         // places of the stream that this side writes
  int64_t partner_width = 0;   // neurons of the other side's keys that it reads
  std::vector<double> active;  // [keys + 1, width]: mean activations
  std::vector<double> steady;  // [keys + 1, outputs]
  std::vector<double> cross;   // [keys + 1, outputs, partner_width]

  void add_neurons(const std::vector<float>& up, const std::vector<float>& bias,
                   const std::vector<float>& norm) {
    const size_t hidden = norm.size();
    for (size_t m = 0; m < bias.size(); ++m) {
      const float* row = up.data() + m * hidden;
      active.push_back(mean_relu2(bias[m], std::sqrt(weighed_dot(row, row, norm))));
    }
  }
  // v [outputs, keys · width], for the key's own neurons.
  void add_own(const std::vector<float>& v) {
    const size_t columns = active.size(), width = columns / static_cast<size_t>(keys);
    for (size_t i = 0; i < v.size(); ++i) {
      const size_t column = i % columns, key = column / width;
      steady[key * static_cast<size_t>(outputs) + i / columns] += v[i] * active[column];
    }
  }
  // v [outputs, keys · partner_width], for the other side's.
  void add_cross(const std::vector<float>& v) {
    const auto width = static_cast<size_t>(partner_width), rows = static_cast<size_t>(outputs);
    const size_t columns = static_cast<size_t>(keys) * width;
    cross.resize(v.size());
    for (size_t i = 0; i < v.size(); ++i) {
      const size_t column = i % columns, key = column / width;
      cross[(key * rows + i / columns) * width + column % width] = v[i];
    }
  }
  void add_means() {
    add_mean(active);
    add_mean(steady);
    add_mean(cross);
  }
  // Writes into out [outputs].
  void add(int64_t key, const KeySide& other, int64_t partner, double* out) const {
    const double* weights = cross.data() + key * outputs * partner_width;
    const double* neurons = other.active.data() + partner * partner_width;
    for (int64_t o = 0; o < outputs; ++o) {
      out[o] += steady[static_cast<size_t>(key * outputs + o)];
      for (int64_t m = 0; m < partner_width; ++m) {
        out[o] += weights[o * partner_width + m] * neurons[m];
      }
    }
  }

 private:
  void add_mean(std::vector<double>& rows) const {
    const size_t size = rows.size() / static_cast<size_t>(keys);
    const std::vector<double> all = rows;
    rows.resize(all.size() + size, 0.0);
    for (size_t i = 0; i < all.size(); ++i) {
      rows[all.size() + i % size] += all[i] / static_cast<double>(keys);
    }
  }
};

struct ExpertWeights::MonetLayer {
  std::array<KeySide, 2> sides;
};

ExpertWeights::ExpertWeights(const Checkpoint& checkpoint, const ModelConfig& config)
    : checkpoint_(checkpoint), config_(config) {
  if (config.routing_layers().empty()) {
    throw Error(ErrorCode::kInvalidArgument, {"reading experts of " + checkpoint.folder(),
                                              "a dense model", "one with experts", ""});
  }
}

ExpertWeights::~ExpertWeights() = default;

std::vector<float> ExpertWeights::norm_weight(int layer) const {
  return read_tensor(checkpoint_, layer_name(layer, "post_attention_layernorm.weight"),
                     {config_.hidden_size});
}

std::vector<int> ExpertWeights::layers_served(int layer) const {
  std::vector<int> layers = {layer};
  for (int next = layer + 1; next < config_.num_hidden_layers; ++next) {
    if (config_.monet.keys == 0 || config_.routes(next)) break;
    layers.push_back(next);
  }
  return layers;
}

// Side 0 or 1 of a layer. Of horizontal layers side 0 has the neurons, and side 1 writes.
ExpertWeights::KeySide ExpertWeights::read_side(int layer, size_t s) const {
  const MonetConfig& monet = config_.monet;
  const int64_t n = monet.keys, hidden = config_.hidden_size;
  const int64_t width = monet.vertical ? monet.width / 2 : monet.width;
  const auto read = [&](const std::string& part, const std::vector<int64_t>& shape) {
    return read_tensor(checkpoint_, layer_name(layer, "moe." + part), shape);
  };
  KeySide side;
  side.keys = n;
  const std::string number = monet.vertical ? std::to_string(s + 1) : "";
  if (monet.vertical || s == 0) {
    side.add_neurons(read("u" + number + ".weight", {n * width, hidden}),
                     read("u" + number + ".bias", {n * width}), norm_weight(layer));
  }
  if (monet.vertical || s == 1) {
    side.outputs = monet.vertical ? hidden / 2 : hidden;
    side.partner_width = width;
    const std::vector<float> bias = read("b" + number, {n, side.outputs});
    side.steady.assign(bias.begin(), bias.end());
    const std::vector<int64_t> shape = {side.outputs, n * width};
    if (monet.vertical) {
      side.add_own(read(s == 0 ? "v11.weight" : "v22.weight", shape));
      side.add_cross(read(s == 0 ? "v12.weight" : "v21.weight", shape));
    } else {
      side.add_cross(read("v.weight", shape));
    }
  }
  side.add_means();
  return side;
}

const ExpertWeights::MonetLayer& ExpertWeights::monet_layer(int layer) {
  std::unique_ptr<MonetLayer>& entry = monet_[layer];
  if (!entry) {
    entry = std::make_unique<MonetLayer>();
    for (size_t s = 0; s < 2; ++s) entry->sides[s] = read_side(layer, s);
  }
  return *entry;
}

// Key n stands for the mean over all keys of the side.
std::vector<float> ExpertWeights::monet_output(int layer, int64_t left, int64_t right) {
  std::vector<double> output(static_cast<size_t>(config_.hidden_size));
  for (const int served : layers_served(layer)) {
    const auto& [first, second] = monet_layer(served).sides;
    first.add(left, second, right, output.data());
    const int64_t begin = config_.monet.vertical ? first.outputs : 0;
    second.add(right, first, left, output.data() + begin);
  }
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
  const std::vector<float> norm = norm_weight(unit.layer);
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
  const double active = mean_gelu(weighed_dot(in.data(), in.data(), norm_weight(unit.layer)));
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
  const auto made_with = provenance.find("weights");
  if (made_with != provenance.end() && made_with->second == sample) return;
  const auto name = provenance.find("model");
  throw Error(ErrorCode::kInvalidArgument,
              {"using the index " + index.path(), "the model " + checkpoint.folder(),
               fmt::format("the one that the index was made with ({})",
                           name == provenance.end() ? "not said" : name->second),
               "name it with --model"});
}

}  // namespace expertoire
