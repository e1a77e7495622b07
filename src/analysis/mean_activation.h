// Mean activations of a neuron that reads white noise, in closed form (Stein's lemma).
#pragma once

#include <vector>

namespace expertoire {

/// E[relu(t)²] for t ~ N(mean, spread²).
double mean_relu2(double mean, double spread);

/// E[gelu(t)] for t ~ N(0, variance).
double mean_gelu(double variance);

/// Σ_k w_k² a_k b_k, of as many as `w` has: the covariance of a · (w z) and b · (w z) for
/// z ~ N(0, I).
double weighed_dot(const float* a, const float* b, const std::vector<float>& w);

}  // namespace expertoire
