#include "analysis/monet_outputs.h"

#include <array>
#include <cmath>
#include <string>

#include "analysis/layer_tensors.h"
#include "analysis/mean_activation.h"

namespace expertoire {

// What key k adds when joined with key p of the other side: steady[k] + cross[k] · active[p]. All
// three are linear, so the mean over partners is what their means add: they stand after the keys.
struct MonetOutputs::KeySide {
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

struct MonetOutputs::Layer {
  std::array<KeySide, 2> sides;
};

MonetOutputs::MonetOutputs(const Checkpoint& checkpoint, const ModelConfig& config)
    : checkpoint_(checkpoint), config_(config) {}

MonetOutputs::~MonetOutputs() = default;

// Side 0 or 1 of a layer. Of horizontal layers side 0 has the neurons, and side 1 writes.
MonetOutputs::KeySide MonetOutputs::read_side(int layer, size_t s) const {
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
                     read("u" + number + ".bias", {n * width}),
                     norm_weight(checkpoint_, config_, layer));
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

const MonetOutputs::Layer& MonetOutputs::layer(int number) {
  std::unique_ptr<Layer>& entry = layers_[number];
  if (!entry) {
    entry = std::make_unique<Layer>();
    for (size_t s = 0; s < 2; ++s) entry->sides[s] = read_side(number, s);
  }
  return *entry;
}

void MonetOutputs::add(int number, int64_t left, int64_t right, std::vector<double>& output) {
  const auto& [first, second] = layer(number).sides;
  first.add(left, second, right, output.data());
  const int64_t begin = config_.monet.vertical ? first.outputs : 0;
  second.add(right, first, left, output.data() + begin);
}

}  // namespace expertoire
