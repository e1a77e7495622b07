#include "model/rope.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error.h"
#include "model/config_reader.h"

namespace expertoire {
namespace {

using nlohmann::json;

double yarn_mscale(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

// A stated attention_factor counts, whatever mscale says beside it.
double yarn_attention_factor(ConfigReader& scaling, double factor) {
  const double mscale = scaling.number("mscale", 0.0);
  const double mscale_all_dim = scaling.number("mscale_all_dim", 0.0);
  if (scaling.has("attention_factor")) return scaling.positive("attention_factor", {});
  if (mscale != 0.0 && mscale_all_dim != 0.0) {
    const double ratio = yarn_mscale(factor, mscale) / yarn_mscale(factor, mscale_all_dim);
    if (!(ratio > 0) || !std::isfinite(ratio)) {
      scaling.bad("mscale_all_dim", "a number that makes a positive attention factor");
    }
    return ratio;
  }
  return yarn_mscale(factor, 1.0);
}

RopeType rope_type_of(ConfigReader& scaling) {
  const std::string type = scaling.text("rope_type", scaling.text("type", "default"));
  if (type == "default") return RopeType::kDefault;
  if (type == "linear") return RopeType::kLinear;
  if (type == "llama3") return RopeType::kLlama3;
  if (type == "yarn") return RopeType::kYarn;
  scaling.unsupported(scaling.has("rope_type") ? "rope_type" : "type",
                      "one of default, linear, llama3, yarn");
}

void read_scaling(ConfigReader& scaling, int64_t max_positions, RopeConfig& rope) {
  rope.type = rope_type_of(scaling);
  scaling.require("partial_rotary_factor", 1.0);
  rope.theta = scaling.number("rope_theta", rope.theta);
  rope.original_max_position_embeddings =
      scaling.integer("original_max_position_embeddings", max_positions);
  if (rope.type != RopeType::kDefault) rope.factor = scaling.positive("factor", {});
  if (rope.type == RopeType::kLlama3) {
    rope.low_freq_factor = scaling.positive("low_freq_factor", {});
    rope.high_freq_factor = scaling.positive("high_freq_factor", {});
    if (rope.high_freq_factor <= rope.low_freq_factor) {
      scaling.bad("high_freq_factor",
                  fmt::format("more than low_freq_factor = {}", rope.low_freq_factor));
    }
  }
  if (rope.type == RopeType::kYarn) {
    rope.attention_factor = yarn_attention_factor(scaling, rope.factor);
    rope.beta_fast = scaling.positive("beta_fast", 32.0);
    rope.beta_slow = scaling.positive("beta_slow", 1.0);
    rope.truncate = scaling.boolean("truncate", true);
  }
  scaling.refuse_unknown();
}

// Index of the frequency that turns `rotations` times over the original context
// (find_correction_dim in modeling_rope_utils.py).
double correction_dim(const RopeConfig& rope, int64_t head_dim, double rotations) {
  const double length = static_cast<double>(rope.original_max_position_embeddings);
  return static_cast<double>(head_dim) * std::log(length / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(rope.theta));
}

void scale_yarn(const RopeConfig& rope, int64_t head_dim, std::vector<float>& inv_freq) {
  double low = correction_dim(rope, head_dim, rope.beta_fast);
  double high = correction_dim(rope, head_dim, rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(head_dim - 1));
  if (low == high) high += 0.001;
  for (size_t i = 0; i < inv_freq.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    const float keep = static_cast<float>(1.0 - ramp);
    const float interpolated = inv_freq[i] / static_cast<float>(rope.factor);
    inv_freq[i] = interpolated * (1.0F - keep) + inv_freq[i] * keep;
  }
}

void scale_llama3(const RopeConfig& rope, std::vector<float>& inv_freq) {
  const double length = static_cast<double>(rope.original_max_position_embeddings);
  const float factor = static_cast<float>(rope.factor);
  for (float& frequency : inv_freq) {
    const float wavelength = 2.0F * std::numbers::pi_v<float> / frequency;
    if (wavelength < length / rope.high_freq_factor) continue;
    if (wavelength > length / rope.low_freq_factor) {
      frequency /= factor;
      continue;
    }
    const float smooth =
        (static_cast<float>(length) / wavelength - static_cast<float>(rope.low_freq_factor)) /
        static_cast<float>(rope.high_freq_factor - rope.low_freq_factor);
    frequency = (1.0F - smooth) * frequency / factor + smooth * frequency;
  }
}

}  // namespace

RopeConfig read_rope(ConfigReader& reader, double default_theta, int64_t max_positions) {
  RopeConfig rope;
  rope.theta = reader.number("rope_theta", default_theta);
  const auto read = [&](const char* key) {
    RopeConfig stated = rope;
    ConfigReader inner(reader.raw(key), reader.what() + ", " + key);
    read_scaling(inner, max_positions, stated);
    return stated;
  };
  // transformers 5 writes rope_parameters, earlier ones rope_scaling.
  const bool modern = reader.has("rope_parameters");
  const bool scaled = reader.has("rope_scaling") && !reader.raw("rope_scaling").empty();
  if (modern && scaled && read("rope_parameters") != read("rope_scaling")) {
    reader.bad("rope_scaling", "null, or what rope_parameters says");
  }
  if (modern || scaled) rope = read(modern ? "rope_parameters" : "rope_scaling");
  if (rope.theta <= 1.0) reader.bad("rope_theta", "a number above 1");
  return rope;
}

std::vector<float> rope_frequencies(const RopeConfig& rope, int64_t head_dim) {
  std::vector<float> inv_freq(static_cast<size_t>(head_dim / 2));
  for (size_t i = 0; i < inv_freq.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    inv_freq[i] = 1.0F / static_cast<float>(std::pow(rope.theta, static_cast<double>(exponent)));
  }
  switch (rope.type) {
    case RopeType::kDefault: break;
    case RopeType::kLinear:
      for (float& frequency : inv_freq) frequency /= static_cast<float>(rope.factor);
      break;
    case RopeType::kLlama3: scale_llama3(rope, inv_freq); break;
    case RopeType::kYarn: scale_yarn(rope, head_dim, inv_freq); break;
  }
  return inv_freq;
}

void rope_angles(const std::vector<float>& inv_freq, double attention_factor, int64_t position,
                 float* cos, float* sin) {
  const float scale = static_cast<float>(attention_factor);
  for (size_t i = 0; i < inv_freq.size(); ++i) {
    const float angle = static_cast<float>(position) * inv_freq[i];
    cos[i] = static_cast<float>(std::cos(static_cast<double>(angle))) * scale;
    sin[i] = static_cast<float>(std::sin(static_cast<double>(angle))) * scale;
  }
}

}  // namespace expertoire
