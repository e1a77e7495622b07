// How well predicted classes agree with true ones.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace expertoire {

/// Share of equal entries. `items`: the entries that count, as often as they stand there.
double accuracy(std::span<const uint32_t> truth, std::span<const uint32_t> predicted,
                std::span<const uint32_t> items);

/// Mean over classes of 2 tp / (2 tp + fp + fn), of those that occur in either list (scikit-learn's
/// f1_score, average="macro"). Classes lie in [0, count).
double macro_f1(std::span<const uint32_t> truth, std::span<const uint32_t> predicted,
                std::span<const uint32_t> items, uint32_t count);

/// The mean of that over several predictions of the same truth.
double mean_macro_f1(std::span<const uint32_t> truth,
                     const std::vector<std::vector<uint32_t>>& predictions,
                     std::span<const uint32_t> items, uint32_t count);

}  // namespace expertoire
