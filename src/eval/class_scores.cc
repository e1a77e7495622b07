#include "eval/class_scores.h"

namespace expertoire {

double accuracy(std::span<const uint32_t> truth, std::span<const uint32_t> predicted,
                std::span<const uint32_t> items) {
  size_t right = 0;
  for (const uint32_t item : items) right += truth[item] == predicted[item] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(items.size());
}

double macro_f1(std::span<const uint32_t> truth, std::span<const uint32_t> predicted,
                std::span<const uint32_t> items, uint32_t count) {
  std::vector<uint64_t> right(count), total(count);  // total: 2 tp + fp + fn
  for (const uint32_t item : items) {
    ++total[truth[item]];
    ++total[predicted[item]];
    if (truth[item] == predicted[item]) ++right[truth[item]];
  }
  double sum = 0;
  uint32_t present = 0;
  for (uint32_t c = 0; c < count; ++c) {
    if (total[c] == 0) continue;
    sum += 2.0 * static_cast<double>(right[c]) / static_cast<double>(total[c]);
    ++present;
  }
  return sum / present;
}

double mean_macro_f1(std::span<const uint32_t> truth,
                     const std::vector<std::vector<uint32_t>>& predictions,
                     std::span<const uint32_t> items, uint32_t count) {
  double sum = 0;
  for (const auto& predicted : predictions) sum += macro_f1(truth, predicted, items, count);
  return sum / static_cast<double>(predictions.size());
}

}  // namespace expertoire
