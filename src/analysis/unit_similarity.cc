#include "analysis/unit_similarity.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "analysis/unit_reader.h"

namespace expertoire {
namespace {

std::vector<SimilarUnit> first(std::vector<SimilarUnit> all, const Unit& self, size_t most) {
  std::erase_if(all, [&](const SimilarUnit& u) { return u.unit == self || !(u.similarity > 0); });
  const size_t count = std::min(most, all.size());
  std::ranges::partial_sort(
      all, all.begin() + static_cast<std::ptrdiff_t>(count), {},
      [](const SimilarUnit& unit) { return std::pair(-unit.similarity, unit.unit); });
  all.resize(count);
  return all;
}

double sure(const TokenUse& use) { return std::max(0.0, use.mass - use.error); }

// Products of one row of weights with those of every unit of a kind, and their squares.
struct Products {
  std::vector<double> dots, squares;
};

Products products_of(ExpertWeights& weights, const Unit& unit, int64_t count) {
  const std::vector<float> own = weights.flat(unit);
  Products products;
  for (int64_t id = 0; id < count; ++id) {
    const std::vector<float> other = weights.flat({unit.layer, unit.kind, id});
    products.dots.push_back(std::inner_product(own.begin(), own.end(), other.begin(), 0.0));
    products.squares.push_back(std::inner_product(other.begin(), other.end(), other.begin(), 0.0));
  }
  return products;
}

// A joint expert's row is its left key's and its right key's: n + n products give all n².
std::vector<SimilarUnit> joint_by_weights(const Unit& unit, int64_t n, ExpertWeights& weights) {
  const int64_t i = unit.id / n, j = unit.id % n;
  const Products left = products_of(weights, {unit.layer, UnitKind::kLeft, i}, n);
  const Products right = products_of(weights, {unit.layer, UnitKind::kRight, j}, n);
  const auto square = [&](int64_t l, int64_t r) {
    return left.squares[static_cast<size_t>(l)] + right.squares[static_cast<size_t>(r)];
  };
  std::vector<SimilarUnit> all;
  for (int64_t l = 0; l < n; ++l) {
    for (int64_t r = 0; r < n; ++r) {
      const double dot = left.dots[static_cast<size_t>(l)] + right.dots[static_cast<size_t>(r)];
      all.push_back({{unit.layer, UnitKind::kExpert, l * n + r},
                     dot / std::sqrt(square(i, j) * square(l, r))});
    }
  }
  return all;
}

}  // namespace

std::vector<SimilarUnit> similar_by_tokens(const ExpertIndex& index, const UnitRecord& record,
                                           const UnitFilter& filter, size_t most) {
  std::map<int32_t, double> own;
  double own_square = 0;
  for (const TokenUse& use : record.tokens) {
    own[use.token] = sure(use);
    own_square += sure(use) * sure(use);
  }
  std::vector<SimilarUnit> all;
  for_each_tokens(index, filter.least_uses,
                  [&](int64_t number, const std::vector<TokenUse>& tokens) {
                    const Unit unit = index.units().unit(number);
                    if (!passes(filter, unit)) return;
                    double dot = 0, square = 0;
                    for (const TokenUse& use : tokens) {
                      const auto found = own.find(use.token);
                      if (found != own.end()) dot += found->second * sure(use);
                      square += sure(use) * sure(use);
                    }
                    all.push_back({unit, dot / std::sqrt(own_square * square)});
                  });
  return first(std::move(all), record.unit, most);
}

std::vector<SimilarUnit> similar_by_contexts(const ExpertIndex& index, const UnitRecord& record,
                                             const UnitFilter& filter, size_t most) {
  std::set<std::pair<int32_t, int32_t>> own;
  for (const Context& context : record.contexts) own.emplace(context.document, context.position);
  std::vector<SimilarUnit> all;
  for_each_contexts(
      index, filter.least_uses, [&](int64_t number, const std::vector<Context>& contexts) {
        const Unit unit = index.units().unit(number);
        if (!passes(filter, unit)) return;
        const auto both = std::ranges::count_if(contexts, [&](const Context& context) {
          return own.contains({context.document, context.position});
        });
        const auto either = static_cast<double>(own.size() + contexts.size()) - double(both);
        all.push_back({unit, static_cast<double>(both) / either});
      });
  return first(std::move(all), record.unit, most);
}

std::vector<SimilarUnit> similar_by_weights(const UnitTable& units, const Unit& unit,
                                            ExpertWeights& weights, size_t most) {
  const IndexedLayer& layer = units.layer(unit.layer);
  if (layer.keys > 0 && unit.kind == UnitKind::kExpert) {
    return first(joint_by_weights(unit, layer.keys, weights), unit, most);
  }
  const Products products =
      products_of(weights, unit, unit.kind == UnitKind::kExpert ? layer.experts : layer.keys);
  const double own = products.squares[static_cast<size_t>(unit.id)];
  std::vector<SimilarUnit> all;
  for (size_t id = 0; id < products.dots.size(); ++id) {
    all.push_back({{unit.layer, unit.kind, static_cast<int64_t>(id)},
                   products.dots[id] / std::sqrt(own * products.squares[id])});
  }
  return first(std::move(all), unit, most);
}

}  // namespace expertoire
