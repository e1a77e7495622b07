// Rotary position embeddings: their configuration and their tables.
#pragma once

#include <vector>

#include "model/config.h"

namespace expertoire {

class ConfigReader;

/// Reads rope_parameters (transformers 5), or rope_theta and rope_scaling. Errors: kBadFile (also
/// when both stand there and differ), kUnsupported for a rope_type that we do not implement.
RopeConfig read_rope(ConfigReader& reader, double default_theta, int64_t max_positions);

/// inv_freq[head_dim / 2], in the arithmetic of transformers' modeling_rope_utils.py (f32), so that
/// angles agree at long positions too.
std::vector<float> rope_frequencies(const RopeConfig& rope, int64_t head_dim);

/// cos and sin of one position, head_dim / 2 values each, times the attention factor.
void rope_angles(const std::vector<float>& inv_freq, double attention_factor, int64_t position,
                 float* cos, float* sin);

}  // namespace expertoire
