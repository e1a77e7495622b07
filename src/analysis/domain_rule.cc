#include "analysis/domain_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/error.h"

namespace expertoire {
namespace {

// Stands for a share without end: a draw in which the leading domain has no mass.
constexpr double kEndless = 1e300;

double share_of(double second, double first) { return first > 0 ? second / first : kEndless; }

}  // namespace

std::optional<LeadingDomain> leading_domain(std::span<const double> rates, double factor) {
  LeadingDomain lead;
  for (size_t d = 1; d < rates.size(); ++d) {
    if (rates[d] > rates[static_cast<size_t>(lead.first)]) lead.first = static_cast<int>(d);
  }
  lead.second = lead.first == 0 ? 1 : 0;
  for (size_t d = 0; d < rates.size(); ++d) {
    const bool higher = rates[d] > rates[static_cast<size_t>(lead.second)];
    if (higher && static_cast<int>(d) != lead.first) lead.second = static_cast<int>(d);
  }
  lead.rate = rates[static_cast<size_t>(lead.first)];
  const double second = rates[static_cast<size_t>(lead.second)];
  if (!(lead.rate > 0) || lead.rate < factor * second) return std::nullopt;
  lead.share = second / lead.rate;
  return lead;
}

DomainBootstrap::DomainBootstrap(std::vector<DrawnDocument> documents,
                                 std::vector<int> domain_of_label, int domains,
                                 const BootstrapOptions& options)
    : documents_(std::move(documents)),
      domain_of_label_(std::move(domain_of_label)),
      domains_(static_cast<size_t>(domains)),
      options_(options),
      columns_(1 + static_cast<size_t>(std::max(options.resamples, 0))),
      counts_(documents_.size() * columns_),
      label_tokens_(domain_of_label_.size() * columns_),
      domain_tokens_(domains_ * columns_) {
  if (columns_ == 1) {
    throw Error(ErrorCode::kInvalidArgument,
                {"drawing documents", "no resamples", "one or more", ""});
  }
  for (int domain = 0; domain < domains; ++domain) draw(domain);
}

void DomainBootstrap::count(size_t column, size_t document) {
  const DrawnDocument& drawn = documents_[document];
  const auto tokens = static_cast<double>(drawn.tokens);
  counts_[document * columns_ + column] += 1.0F;
  label_tokens_[static_cast<size_t>(drawn.label) * columns_ + column] += tokens;
  domain_tokens_[static_cast<size_t>(drawn.domain) * columns_ + column] += tokens;
}

void DomainBootstrap::draw(int domain) {
  std::vector<size_t> members;
  for (size_t i = 0; i < documents_.size(); ++i) {
    if (documents_[i].domain == domain) members.push_back(i);
  }
  if (members.empty()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        {"drawing documents", fmt::format("domain {} has none", domain), "one or more", ""});
  }
  for (const size_t member : members) count(0, member);
  // A generator of its own, so that the draws of two domains are independent.
  BootstrapOptions of_domain = options_;
  of_domain.seed += static_cast<uint64_t>(domain);
  size_t column = 0;
  const auto count_all = [&](std::span<const uint32_t> items) {
    ++column;
    for (const uint32_t item : items) count(column, members[item]);
    return 0.0;
  };
  replicates(members.size(), count_all, of_domain);
}

Interval DomainBootstrap::share(int first, const UnitMasses& unit) const {
  std::vector<double> sums(domains_ * columns_);  // mass by domain in each draw
  const auto add = [&](int domain, double mass, const auto* times) {
    if (domain < 0 || mass == 0) return;
    double* sum = &sums[static_cast<size_t>(domain) * columns_];
    for (size_t c = 0; c < columns_; ++c) sum[c] += mass * static_cast<double>(times[c]);
  };
  for (size_t i = 0; i < unit.documents.size(); ++i) {
    const auto at = static_cast<size_t>(unit.documents[i]);
    add(documents_[at].domain, unit.masses[i], &counts_[at * columns_]);
  }
  for (size_t label = 0; label < unit.rest.size(); ++label) {
    add(domain_of_label_[label], unit.rest[label], &label_tokens_[label * columns_]);
  }
  for (size_t i = 0; i < sums.size(); ++i) sums[i] /= domain_tokens_[i];  // now rates
  std::vector<double> shares(columns_);
  for (size_t c = 0; c < columns_; ++c) {
    double second = 0;
    for (size_t d = 0; d < domains_; ++d) {
      if (d != static_cast<size_t>(first)) second = std::max(second, sums[d * columns_ + c]);
    }
    shares[c] = share_of(second, sums[static_cast<size_t>(first) * columns_ + c]);
  }
  const double whole = shares.front();
  shares.erase(shares.begin());
  return interval_of(whole, std::move(shares), options_.level);
}

}  // namespace expertoire
