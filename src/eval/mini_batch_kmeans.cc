#include "eval/mini_batch_kmeans.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "base/error.h"

namespace expertoire {
namespace {

constexpr double kReassignmentRatio = 0.01;
constexpr int kMaxNoImprovement = 10;

using Centers = std::vector<double>;  // [clusters, dim]

// RandomState.choice(count, p=uniform): a search in the running sum of 1 / count, as numpy's.
class UniformChoice {
 public:
  explicit UniformChoice(size_t count) : sums_(count) {
    double sum = 0;
    for (double& value : sums_) value = sum += 1.0 / static_cast<double>(count);
    for (double& value : sums_) value /= sum;
  }
  size_t draw(RandomState& random) const {
    const auto at = std::upper_bound(sums_.begin(), sums_.end(), random.uniform());
    return static_cast<size_t>(at - sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

class KMeans {
 public:
  KMeans(const TextVectors& vectors, std::span<const size_t> rows, const KMeansOptions& options,
         RandomState& random)
      : vectors_(vectors),
        rows_(rows),
        clusters_(options.clusters),
        batch_(std::min(options.batch, rows.size())),
        max_steps_(static_cast<size_t>(options.max_iterations) * rows.size() / batch_),
        dim_(static_cast<size_t>(vectors.dim)),
        random_(random),
        counts_(clusters_) {}

  std::vector<uint32_t> run() {
    start();
    const UniformChoice choice(rows_.size());
    for (size_t step = 0; step < max_steps_; ++step) {
      std::vector<size_t> batch(batch_);
      for (size_t& row : batch) row = choice.draw(random_);
      const bool reassigns = is_time_to_reassign();
      const double inertia = update(batch);
      if (reassigns) reassign(batch);
      if (step > 0 && has_converged(inertia / static_cast<double>(batch_))) break;
    }
    std::vector<size_t> all(rows_.size());
    std::iota(all.begin(), all.end(), 0);
    return assign(all);
  }

 private:
  std::span<const float> row(size_t i) const { return vectors_.row(rows_[i]); }
  double* center(size_t c) { return centers_.data() + c * dim_; }

  double square_distance(size_t a, size_t b) const {
    const auto x = row(a), y = row(b);
    double sum = 0;
    for (size_t i = 0; i < dim_; ++i) sum += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
    return sum;
  }

  // k-means++ on a sample of the rows.
  void start() {
    size_t size = 3 * batch_;
    if (size < clusters_) size = 3 * clusters_;
    size = std::min(size, rows_.size());
    const auto last = static_cast<uint32_t>(rows_.size() - 1);
    for (size_t i = 0; i < size; ++i) random_.interval(last);  // scikit-learn's validation sample
    std::vector<size_t> sample(size);
    std::iota(sample.begin(), sample.end(), 0);
    if (size < rows_.size()) {
      for (size_t& one : sample) one = random_.interval(last);
    }
    place_centers(sample);
  }

  void place_centers(const std::vector<size_t>& sample) {
    const size_t trials = 2 + static_cast<size_t>(std::log(static_cast<double>(clusters_)));
    size_t chosen = sample[UniformChoice(sample.size()).draw(random_)];
    std::vector<double> closest(sample.size(), std::numeric_limits<double>::infinity());
    nearer(sample, chosen, closest);
    add_center(chosen);
    for (size_t c = 1; c < clusters_; ++c) {
      std::vector<double> best, sums(sample.size());
      std::partial_sum(closest.begin(), closest.end(), sums.begin());
      double best_potential = std::numeric_limits<double>::infinity();
      std::vector<double> targets(trials);
      for (double& target : targets) target = random_.uniform() * sums.back();
      for (const double target : targets) {
        const auto at = std::lower_bound(sums.begin(), sums.end(), target) - sums.begin();
        const size_t candidate = sample[std::min(static_cast<size_t>(at), sample.size() - 1)];
        std::vector<double> with = closest;
        const double potential = nearer(sample, candidate, with);
        if (potential >= best_potential) continue;
        best_potential = potential;
        best = std::move(with);
        chosen = candidate;
      }
      closest = std::move(best);
      add_center(chosen);
    }
  }

  // Lowers each square distance to that from `to`; returns their sum.
  double nearer(const std::vector<size_t>& sample, size_t to, std::vector<double>& closest) const {
    double sum = 0;
    for (size_t i = 0; i < sample.size(); ++i) {
      closest[i] = std::min(closest[i], square_distance(sample[i], to));
      sum += closest[i];
    }
    return sum;
  }

  void add_center(size_t i) {
    const auto x = row(i);
    centers_.insert(centers_.end(), x.begin(), x.end());
  }

  // |c|² − 2 x·c is least at the nearest center. Centers lie side by side in the inner loop.
  std::vector<uint32_t> assign(const std::vector<size_t>& items) {
    std::vector<double> turned(centers_.size()), squares(clusters_), scores(clusters_);
    for (size_t c = 0; c < clusters_; ++c) {
      for (size_t i = 0; i < dim_; ++i) {
        turned[i * clusters_ + c] = -2 * center(c)[i];
        squares[c] += center(c)[i] * center(c)[i];
      }
    }
    std::vector<uint32_t> nearest;
    for (const size_t item : items) {
      const auto x = row(item);
      scores = squares;
      for (size_t i = 0; i < dim_; ++i) {
        const double value = x[i];
        for (size_t c = 0; c < clusters_; ++c) scores[c] += value * turned[i * clusters_ + c];
      }
      const auto least = std::min_element(scores.begin(), scores.end());
      nearest.push_back(static_cast<uint32_t>(least - scores.begin()));
    }
    return nearest;
  }

  // Moves each center to the mean of all rows that ever were its; returns the inertia before that.
  double update(const std::vector<size_t>& batch) {
    const std::vector<uint32_t> nearest = assign(batch);
    Centers sums(centers_.size());
    std::vector<double> fresh(clusters_);
    double inertia = 0;
    for (size_t n = 0; n < batch.size(); ++n) {
      const auto x = row(batch[n]);
      const double* own = center(nearest[n]);
      double* sum = sums.data() + nearest[n] * dim_;
      for (size_t i = 0; i < dim_; ++i) {
        inertia += (x[i] - own[i]) * (x[i] - own[i]);
        sum[i] += x[i];
      }
      fresh[nearest[n]] += 1;
    }
    for (size_t c = 0; c < clusters_; ++c) {
      if (fresh[c] == 0) continue;
      const double before = counts_[c];
      counts_[c] += fresh[c];
      for (size_t i = 0; i < dim_; ++i) {
        center(c)[i] = (center(c)[i] * before + sums[c * dim_ + i]) / counts_[c];
      }
    }
    return inertia;
  }

  bool is_time_to_reassign() {
    since_reassignment_ += batch_;
    const bool empty = std::find(counts_.begin(), counts_.end(), 0.0) != counts_.end();
    if (!empty && since_reassignment_ < 10 * clusters_) return false;
    since_reassignment_ = 0;
    return true;
  }

  // Clusters that hardly any row belongs to get a row of the batch as their center.
  void reassign(const std::vector<size_t>& batch) {
    const double least = kReassignmentRatio * *std::max_element(counts_.begin(), counts_.end());
    std::vector<size_t> small;
    for (size_t c = 0; c < clusters_; ++c) {
      if (counts_[c] < least) small.push_back(c);
    }
    if (const size_t most = batch.size() / 2; 2 * small.size() > batch.size()) {
      std::stable_sort(small.begin(), small.end(),
                       [&](size_t a, size_t b) { return counts_[a] < counts_[b]; });
      small.resize(most);
      std::sort(small.begin(), small.end());
    }
    if (small.empty()) return;
    std::vector<size_t> order(batch.size());
    std::iota(order.begin(), order.end(), 0);
    random_.shuffle(std::span(order));
    double smallest = std::numeric_limits<double>::infinity();
    for (size_t c = 0; c < clusters_; ++c) {
      if (!std::binary_search(small.begin(), small.end(), c)) {
        smallest = std::min(smallest, counts_[c]);
      }
    }
    for (size_t i = 0; i < small.size(); ++i) {
      const auto x = row(batch[order[i]]);
      std::copy(x.begin(), x.end(), center(small[i]));
      counts_[small[i]] = smallest;
    }
  }

  // No better for a while, by a running mean of the inertia a row.
  bool has_converged(double inertia) {
    const double rate =
        std::min(1.0, static_cast<double>(batch_) * 2.0 / static_cast<double>(rows_.size() + 1));
    running_ = running_ ? *running_ * (1 - rate) + inertia * rate : inertia;
    if (*running_ < lowest_) {
      lowest_ = *running_;
      without_improvement_ = 0;
    } else {
      ++without_improvement_;
    }
    return without_improvement_ >= kMaxNoImprovement;
  }

  const TextVectors& vectors_;
  std::span<const size_t> rows_;
  size_t clusters_, batch_, max_steps_, dim_;
  RandomState& random_;
  Centers centers_;
  std::vector<double> counts_;
  size_t since_reassignment_ = 0;
  std::optional<double> running_;
  double lowest_ = std::numeric_limits<double>::infinity();
  int without_improvement_ = 0;
};

}  // namespace

std::vector<uint32_t> mini_batch_kmeans(const TextVectors& vectors, std::span<const size_t> rows,
                                        const KMeansOptions& options) {
  RandomState random(options.seed);
  return mini_batch_kmeans(vectors, rows, options, random);
}

std::vector<uint32_t> mini_batch_kmeans(const TextVectors& vectors, std::span<const size_t> rows,
                                        const KMeansOptions& options, RandomState& random) {
  if (rows.size() < options.clusters || options.clusters == 0) {
    throw Error(
        ErrorCode::kInvalidArgument,
        {"clustering", std::to_string(rows.size()) + " texts",
         "at least as many as clusters: " + std::to_string(options.clusters), "use more rows"});
  }
  return KMeans(vectors, rows, options, random).run();
}

}  // namespace expertoire
