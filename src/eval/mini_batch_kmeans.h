// Mini-batch k-means, as scikit-learn's MiniBatchKMeans with k-means++ (Sculley, WWW 2010).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/random_state.h"
#include "eval/text_table.h"

namespace expertoire {

struct KMeansOptions {
  size_t clusters = 2;
  size_t batch = 500;
  uint32_t seed = 42;
  int max_iterations = 100;  ///< passes over the rows, at most
};

/// The cluster of each of `rows` of `vectors`. Draws what scikit-learn 1.9 draws with this
/// random_state, so that labels agree but for rounding; sums in double.
/// Errors: kInvalidArgument for more clusters than rows.
std::vector<uint32_t> mini_batch_kmeans(const TextVectors& vectors, std::span<const size_t> rows,
                                        const KMeansOptions& options);
/// The same with random numbers that others drew from before (scikit-learn's random_state=None
/// after numpy.random.seed); options.seed says nothing.
std::vector<uint32_t> mini_batch_kmeans(const TextVectors& vectors, std::span<const size_t> rows,
                                        const KMeansOptions& options, RandomState& random);

}  // namespace expertoire
