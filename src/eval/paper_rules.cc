#include "eval/paper_rules.h"

namespace expertoire {

double summed_cosine(const SumParts& parts, size_t a, size_t b) {
  return cosine(parts.hidden.row(a), parts.hidden.row(b)) +
         parts.weight * cosine(parts.routing.row(a), parts.routing.row(b));
}

std::vector<double> averaged_numbers(std::span<const int64_t> a, std::span<const int64_t> b,
                                     double weight) {
  std::vector<double> averages;
  for (size_t i = 0; i < a.size(); ++i) {
    const double sum = static_cast<double>(a[i]) + static_cast<double>(b[i]) * weight;
    averages.push_back(sum / (1 + weight));
  }
  return averages;
}

}  // namespace expertoire
