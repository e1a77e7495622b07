// Which domain an expert serves: the rule of Monet, and how sure it is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "eval/bootstrap.h"

namespace expertoire {

/// The two domains with the highest rates; a rate is routing mass per token.
struct LeadingDomain {
  int first = 0;
  int second = 0;
  double rate = 0;  ///< of the first
  double share =
      0;  ///< rate of the second / rate of the first, from 0 to 1; 1 / share is the ratio
};

/// Monet's skewness rule (arXiv 2412.04139, 5.1): a domain leads where its rate is at least
/// `factor` times the second highest; with factor 1 the highest leads (argmax, the paper's rule for
/// OLMoE). The first of equal ones; nothing where all rates are 0.
std::optional<LeadingDomain> leading_domain(std::span<const double> rates, double factor);

/// A document of an index, as the bootstrap draws it.
struct DrawnDocument {
  int domain = -1;  ///< −1: never drawn
  int label = 0;
  int64_t tokens = 0;
};

/// Of one unit: the documents that hold it, by their place in the list, with their masses; and what
/// the index does not store by document, as mass a token of each label.
struct UnitMasses {
  std::span<const int32_t> documents;
  std::span<const float> masses;
  std::span<const double> rest;  ///< [labels]
};

/// Bootstrap over documents, within each domain as many as it has, the same draws for every unit.
/// Memory: documents · resamples floats.
class DomainBootstrap {
 public:
  /// `domain_of_label`: −1 = in none. Errors: kInvalidArgument for no resamples, or a domain
  /// without documents.
  DomainBootstrap(std::vector<DrawnDocument> documents, std::vector<int> domain_of_label,
                  int domains, const BootstrapOptions& options);

  /// The share of a unit that `first` leads: highest rate of the other domains / rate of `first`,
  /// whichever domain that is in a draw. What is not stored counts as spread evenly over the
  /// tokens of its label, so it varies only with how many of them are drawn.
  Interval share(int first, const UnitMasses& unit) const;

 private:
  void draw(int domain);
  void count(size_t column, size_t document);

  std::vector<DrawnDocument> documents_;
  std::vector<int> domain_of_label_;
  size_t domains_;
  BootstrapOptions options_;
  size_t columns_;                     // 1 + resamples; column 0 has every document once
  std::vector<float> counts_;          // [documents, columns]: how often each is drawn
  std::vector<double> label_tokens_;   // [labels, columns]
  std::vector<double> domain_tokens_;  // [domains, columns]
};

}  // namespace expertoire
