#include "analysis/toxicity.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "eval/encode_pair.h"
#include "eval/random_state.h"

namespace expertoire {
namespace {

constexpr size_t kBatchTokens = 256;  // a token of a wide Monet layer has thousands of uses

// Hands every use on a token with a value to `take`, layer after layer.
class UseSink final : public RoutingSink {
 public:
  using Take = std::function<void(const ValuedTokens& text, size_t position, const UnitUse& use)>;
  /// `repeats`: a token may choose one expert several times (the heads of PEER).
  UseSink(const UnitTable& units, bool repeats, Take take)
      : units_(units), repeats_(repeats), take_(std::move(take)) {}

  void begin(std::span<const ValuedTokens> batch) { batch_ = batch; }

  void on_routing(const RoutingEvent& event) override {
    collect_uses(units_, event, 0.0F, uses_);
    if (repeats_) merge();
    for (const UnitUse& use : uses_.uses) {
      const TokenRef& token = event.tokens[static_cast<size_t>(use.token)];
      const ValuedTokens& text = batch_[static_cast<size_t>(token.sequence)];
      const size_t position = static_cast<size_t>(token.position);
      if (!std::isnan(text.values[position])) take_(text, position, use);
    }
  }

 private:
  // One use for each token and unit.
  void merge() {
    std::vector<UnitUse>& uses = uses_.uses;
    std::ranges::stable_sort(uses, {}, [](const UnitUse& u) { return std::pair(u.token, u.unit); });
    size_t kept = 0;
    for (size_t i = 0; i < uses.size(); ++i) {
      if (kept > 0 && uses[kept - 1].token == uses[i].token &&
          uses[kept - 1].unit == uses[i].unit) {
        uses[kept - 1].score += uses[i].score;
      } else {
        uses[kept++] = uses[i];
      }
    }
    uses.resize(kept);
  }

  const UnitTable& units_;
  bool repeats_;
  Take take_;
  std::span<const ValuedTokens> batch_;
  LayerUses uses_;
};

void run(Session& session, std::span<const ValuedTokens> texts, UseSink& sink,
         const ProgressSink& progress) {
  for (size_t begin = 0; begin < texts.size();) {
    size_t end = begin, tokens = 0;
    std::vector<std::span<const int32_t>> batch;
    while (end < texts.size() && (end == begin || tokens + texts[end].ids.size() <= kBatchTokens)) {
      tokens += texts[end].ids.size();
      batch.emplace_back(texts[end++].ids);
    }
    sink.begin(texts.subspan(begin, end - begin));
    session.forward_once(batch, &sink);
    begin = end;
    if (progress) progress(static_cast<int64_t>(end), static_cast<int64_t>(texts.size()));
  }
}

bool repeats(const Session& session) { return session.model().config().peer.heads > 1; }

struct CutText {
  std::vector<int32_t> ids;
  size_t first = 0;  // token of the continuation
};

CutText cut(const Tokenizer& tokenizer, const ScoredText& text, int64_t most) {
  if (text.continuation.empty()) {
    CutText whole{tokenizer.encode(text.prompt), 0};
    const auto over = static_cast<int64_t>(whole.ids.size()) - most;
    if (over > 0) whole.ids.erase(whole.ids.begin(), whole.ids.begin() + over);
    whole.first = whole.ids.size();
    return whole;
  }
  // Its last token is run too.
  EncodedPair pair =
      encode_pair(tokenizer, text.prompt, text.continuation, {.bos = true, .max_length = most - 1});
  return {std::move(pair.request.ids), pair.request.first};
}

// The tokens' values that count, as UnitCorrelation::add_tokens takes them.
void add_tokens(const std::vector<double>& values, UnitCorrelation& correlation) {
  std::vector<double> counted;
  for (const double value : values) {
    if (!std::isnan(value)) counted.push_back(value);
  }
  correlation.add_tokens(counted);
}

template <class Use>
void for_each_expert(const UnitTable& units, Use use) {
  for (const IndexedLayer& layer : units.layers()) {
    const int64_t begin = units.number({layer.layer, UnitKind::kExpert, 0});
    for (int64_t e = 0; e < layer.experts; ++e) use(layer.layer, e, begin + e);
  }
}

}  // namespace

std::vector<ValuedTokens> value_tokens(const Tokenizer& tokenizer,
                                       const std::vector<ScoredText>& texts,
                                       int64_t max_position_embeddings, uint32_t seed) {
  std::vector<size_t> lender(texts.size());
  std::iota(lender.begin(), lender.end(), 0);
  RandomState(seed).shuffle(std::span(lender));
  std::vector<ValuedTokens> all;
  for (size_t i = 0; i < texts.size(); ++i) {
    const ScoredText &own = texts[i], &other = texts[lender[i]];
    CutText text = cut(tokenizer, own, max_position_embeddings);
    ValuedTokens valued;
    for (size_t t = 0; t < text.ids.size(); ++t) {
      const bool counts = !tokenizer.is_special(text.ids[t]), prompt = t < text.first;
      constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
      valued.values.push_back(!counts  ? kNone
                              : prompt ? own.prompt_toxicity
                                       : own.continuation_toxicity);
      valued.shuffled.push_back(!counts  ? kNone
                                : prompt ? other.prompt_toxicity
                                         : other.continuation_toxicity);
    }
    valued.ids = std::move(text.ids);
    if (!valued.ids.empty()) all.push_back(std::move(valued));
  }
  return all;
}

ToxicityCorrelation correlate_toxicity(Session& session, const std::vector<ValuedTokens>& texts,
                                       const ProgressSink& progress) {
  ToxicityCorrelation result(session.model().config());
  for (const ValuedTokens& text : texts) {
    add_tokens(text.values, result.toxicity);
    add_tokens(text.shuffled, result.shuffled);
  }
  UseSink sink(result.units, repeats(session),
               [&](const ValuedTokens& text, size_t position, const UnitUse& use) {
                 result.toxicity.add_use(use.unit, use.score, text.values[position]);
                 result.shuffled.add_use(use.unit, use.score, text.shuffled[position]);
               });
  run(session, texts, sink, progress);
  return result;
}

ExpertMask experts_above(const UnitTable& units, const UnitCorrelation& correlation,
                         double threshold) {
  ExpertMask mask;
  for_each_expert(units, [&](int layer, int64_t expert, int64_t unit) {
    if (correlation.pearson(unit) > threshold) mask[layer].push_back(static_cast<int>(expert));
  });
  return mask;
}

std::vector<int64_t> most_correlated(const UnitTable& units, const UnitCorrelation& correlation,
                                     size_t most) {
  std::vector<std::pair<double, int64_t>> found;  // −r, unit
  for_each_expert(units, [&](int /*layer*/, int64_t /*expert*/, int64_t unit) {
    const double r = correlation.pearson(unit);
    if (!std::isnan(r)) found.emplace_back(-r, unit);
  });
  const size_t kept = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end());
  std::vector<int64_t> best;
  for (size_t i = 0; i < kept; ++i) best.push_back(found[i].second);
  return best;
}

ExpertMasses masses_of(const UnitTable& units, const UnitCorrelation& correlation) {
  ExpertMasses masses;
  for_each_expert(units, [&](int layer, int64_t /*expert*/, int64_t unit) {
    masses[layer].push_back(correlation.mass(unit));
  });
  return masses;
}

std::map<int64_t, std::vector<TokenUse>> top_tokens(Session& session, const UnitTable& units,
                                                    const std::vector<ValuedTokens>& texts,
                                                    const std::vector<int64_t>& wanted, size_t most,
                                                    const ProgressSink& progress) {
  std::map<int64_t, std::map<int32_t, TokenUse>> found;
  for (const int64_t unit : wanted) found[unit];
  UseSink sink(units, repeats(session),
               [&](const ValuedTokens& text, size_t position, const UnitUse& use) {
                 const auto unit = found.find(use.unit);
                 if (unit == found.end()) return;
                 TokenUse& token = unit->second[text.ids[position]];
                 token.token = text.ids[position];
                 ++token.count;
                 token.mass += use.score;
               });
  run(session, texts, sink, progress);
  std::map<int64_t, std::vector<TokenUse>> top;
  for (const auto& [unit, tokens] : found) {
    std::vector<TokenUse>& best = top[unit];
    for (const auto& [id, use] : tokens) best.push_back(use);
    std::ranges::stable_sort(best, std::greater<>(), &TokenUse::mass);
    best.resize(std::min(most, best.size()));
  }
  return top;
}

}  // namespace expertoire
