// Do two ways to sort the same items into groups agree?
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace expertoire {

/// How often each group of one labeling and each of the other occur, alone and together.
class Contingency {
 public:
  /// Two labels of every item; their numbers mean nothing.
  Contingency(std::span<const uint32_t> a, std::span<const uint32_t> b);

  /// Mutual information over the mean of the entropies (scikit-learn's
  /// normalized_mutual_info_score and v_measure_score). 1 when both have one group.
  double normalized_information() const;
  /// The same with what labelings of these group sizes share by chance taken off both (Vinh, Epps,
  /// Bailey, JMLR 2010; scikit-learn's adjusted_mutual_info_score): 0 for chance.
  double adjusted_information() const;
  /// Of the pairs of items that are together in either, the share that are in both. 1 when there
  /// is none.
  double pair_jaccard() const;

 private:
  using Counts = std::map<uint32_t, double>;
  double entropy(const Counts& counts) const;
  double mutual_information() const;
  double expected_information() const;

  // Items of a group of either and a group of the other.
  struct Overlap {
    uint32_t a, b;
    double count;
  };

  double total_ = 0;
  Counts a_, b_;
  std::vector<Overlap> both_;
};

}  // namespace expertoire
