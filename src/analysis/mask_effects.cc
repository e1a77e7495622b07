#include "analysis/mask_effects.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace expertoire {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A quantity of all documents each once, and in every draw.
struct Drawn {
  double value = 0;
  std::vector<double> draws;

  explicit Drawn(size_t resamples) : draws(resamples) {}
  Interval interval(const BootstrapOptions& options) const {
    return interval_of(value, draws, options.level);
  }
};

template <class Combine>
Drawn combined(const Drawn& a, const Drawn& b, const Combine& combine) {
  Drawn result(a.draws.size());
  result.value = combine(a.value, b.value);
  for (size_t r = 0; r < result.draws.size(); ++r) {
    result.draws[r] = combine(a.draws[r], b.draws[r]);
  }
  return result;
}
Drawn operator-(const Drawn& a, const Drawn& b) { return combined(a, b, std::minus<>()); }
Drawn operator/(const Drawn& a, const Drawn& b) { return combined(a, b, std::divides<>()); }

Drawn mean_of(const std::vector<const Drawn*>& all, size_t resamples) {
  Drawn mean(resamples);
  const auto count = static_cast<double>(all.size());
  for (const Drawn* one : all) {
    mean.value += one->value / count;
    for (size_t r = 0; r < resamples; ++r) mean.draws[r] += one->draws[r] / count;
  }
  return mean;
}

// Draws the items of one domain after the other.
class Resampler {
 public:
  Resampler(const MaskScores& scores, const BootstrapOptions& options)
      : scores_(scores), options_(options), members_(scores.domains.size()) {
    for (size_t i = 0; i < scores.domain_of.size(); ++i) {
      members_.at(static_cast<size_t>(scores.domain_of[i])).push_back(i);
    }
  }

  size_t items(size_t domain) const { return members_[domain].size(); }
  int64_t size(size_t domain) const {
    int64_t sum = 0;
    for (const size_t member : members_[domain]) sum += scores_.sizes[member];
    return sum;
  }
  // Nats of a bit, of documents.
  double unit() const { return scores_.questions() ? 1.0 : std::log(2.0); }

  // Bits a byte of values in nats, one a document, or the mean of those of questions; a generator
  // of its own for each domain. NaN without items.
  Drawn rate(size_t domain, const std::vector<double>& values) const {
    const std::vector<size_t>& members = members_[domain];
    const auto statistic = [&](std::span<const uint32_t> items) {
      double sum = 0, size = 0;
      for (const uint32_t item : items) {
        sum += values[members[item]];
        size += static_cast<double>(scores_.sizes[members[item]]);
      }
      return sum / unit() / size;
    };
    BootstrapOptions of_domain = options_;
    of_domain.seed += domain;
    Drawn result(0);
    result.value = statistic(each_item(members.size()));
    result.draws = replicates(members.size(), statistic, of_domain);
    return result;
  }

 private:
  const MaskScores& scores_;
  const BootstrapOptions& options_;
  std::vector<std::vector<size_t>> members_;
};

// One MaskEffect with its draws.
struct Effect {
  MaskEffect effect;
  std::vector<Drawn> change;  // [domains]
  std::optional<Drawn> target, others;
};

class Analysis {
 public:
  Analysis(const MaskScores& scores, const BootstrapOptions& options, int64_t least_items)
      : scores_(scores), options_(options), resampler_(scores, options) {
    result_.questions = scores.questions();
    for (size_t d = 0; d < scores.domains.size(); ++d) {
      result_.domains.push_back(measured(d, least_items));
    }
  }

  const std::vector<MeasuredDomain>& domains() const { return result_.domains; }

  MaskEffects run() {
    for (size_t target = 0; target < scores_.domains.size(); ++target) {
      for (size_t kind = 0; kind < kMaskKinds; ++kind) {
        add(static_cast<int>(target), static_cast<MaskKind>(kind));
      }
    }
    for (size_t kind = 0; kind < kMaskKinds; ++kind) summarise(static_cast<MaskKind>(kind));
    for (const Effect& effect : effects_) result_.effects.push_back(effect.effect);
    return std::move(result_);
  }

 private:
  MeasuredDomain measured(size_t d, int64_t least_items) const {
    MeasuredDomain domain;
    domain.name = scores_.domains[d];
    domain.items = static_cast<int64_t>(resampler_.items(d));
    domain.size = resampler_.size(d);
    domain.claimed = domain.items >= least_items;
    domain.beside = d + scores_.beside >= scores_.domains.size();
    domain.before = shown(domain.claimed, resampler_.rate(d, scores_.before));
    if (!scores_.questions()) return domain;
    domain.by_chance = resampler_.rate(d, scores_.by_chance).value;
    domain.claimed = domain.claimed && domain.before.high < domain.by_chance;
    return domain;
  }

  size_t resamples() const { return static_cast<size_t>(options_.resamples); }
  bool claimed(size_t domain) const { return result_.domains[domain].claimed; }
  Interval shown(bool is_claimed, const Drawn& drawn) const {
    return is_claimed ? drawn.interval(options_) : Interval{drawn.value, kNan, kNan};
  }

  void add(int target, MaskKind kind) {
    std::vector<size_t> runs;
    for (size_t i = 0; i < scores_.runs.size(); ++i) {
      if (scores_.runs[i].target == target && scores_.runs[i].kind == kind) runs.push_back(i);
    }
    if (runs.empty()) return;
    Effect added;
    MaskEffect& effect = added.effect;
    effect.target = target;
    effect.kind = kind;
    effect.seeds = static_cast<int>(runs.size());
    const auto count = static_cast<double>(runs.size());
    for (const size_t run : runs) {
      effect.experts += static_cast<double>(scores_.runs[run].experts) / count;
      effect.mass += scores_.runs[run].mass / count;
      effect.target_mass += scores_.runs[run].target_mass / count;
    }
    for (size_t d = 0; d < scores_.domains.size(); ++d) {
      added.change.push_back(resampler_.rate(d, mean_change(runs)));
      effect.change.push_back(shown(claimed(d), added.change.back()));
    }
    add_seeds(runs, effect);
    add_means(added);
    effects_.push_back(std::move(added));
  }

  // after − before of every item.
  std::vector<double> mean_change(const std::vector<size_t>& runs) const {
    std::vector<double> change(scores_.before.size());
    for (const size_t run : runs) {
      for (size_t i = 0; i < change.size(); ++i) {
        change[i] += (scores_.after[run][i] - scores_.before[i]) / static_cast<double>(runs.size());
      }
    }
    return change;
  }

  void add_seeds(const std::vector<size_t>& runs, MaskEffect& effect) const {
    const auto target = static_cast<size_t>(effect.target);
    std::vector<double> single;
    for (const size_t run : runs) {
      const std::vector<double> change = mean_change({run});
      double sum = 0;
      for (size_t i = 0; i < change.size(); ++i) {
        if (scores_.domain_of[i] == effect.target) sum += change[i];
      }
      single.push_back(sum / resampler_.unit() / static_cast<double>(resampler_.size(target)));
    }
    const auto [least, most] = std::ranges::minmax_element(single);
    effect.least = *least;
    effect.most = *most;
  }

  void add_means(Effect& added) const {
    std::vector<const Drawn*> others;
    for (size_t d = 0; d < added.change.size(); ++d) {
      if (static_cast<int>(d) != added.effect.target && claimed(d) && !result_.domains[d].beside) {
        others.push_back(&added.change[d]);
      }
    }
    added.effect.others = {kNan, kNan, kNan};
    if (others.empty()) return;
    added.others = mean_of(others, resamples());
    added.effect.others = added.others->interval(options_);
    const auto target = static_cast<size_t>(added.effect.target);
    if (claimed(target)) added.target = added.change[target];
  }

  // Effects of a kind whose target may be judged.
  std::vector<const Effect*> judged(MaskKind kind) const {
    std::vector<const Effect*> found;
    for (const Effect& effect : effects_) {
      if (effect.effect.kind == kind && effect.target) found.push_back(&effect);
    }
    return found;
  }

  static std::vector<const Drawn*> targets_of(const std::vector<const Effect*>& effects) {
    std::vector<const Drawn*> all;
    for (const Effect* effect : effects) all.push_back(&*effect->target);
    return all;
  }

  void summarise(MaskKind kind) {
    const std::vector<const Effect*> effects = judged(kind);
    if (effects.empty()) return;
    std::vector<const Drawn*> of_others;
    for (const Effect* effect : effects) of_others.push_back(&*effect->others);
    const Drawn target = mean_of(targets_of(effects), resamples());
    const Drawn others = mean_of(of_others, resamples());
    MaskSummary summary;
    summary.targets = static_cast<int>(effects.size());
    summary.target = target.interval(options_);
    summary.others = others.interval(options_);
    summary.difference = (target - others).interval(options_);
    if (summary.others.low > 0) summary.ratio = (target / others).interval(options_);
    const std::vector<const Effect*> selected = judged(MaskKind::kSelected);
    if (kind != MaskKind::kSelected && selected.size() == effects.size()) {
      const Drawn of_selected = mean_of(targets_of(selected), resamples());
      summary.selected_less = (of_selected - target).interval(options_);
      if (summary.target.low > 0) {
        summary.selected_over = (of_selected / target).interval(options_);
      }
    }
    result_.summaries[kind] = summary;
  }

  const MaskScores& scores_;
  const BootstrapOptions& options_;
  Resampler resampler_;
  MaskEffects result_;
  std::vector<Effect> effects_;
};

}  // namespace

MaskEffects mask_effects(const MaskScores& scores, const BootstrapOptions& options,
                         int64_t least_items) {
  if (scores.runs.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"measuring masks", "no domain with experts to mask", "one or more",
                 "choose a smaller --factor, or see `experts domains`"});
  }
  return Analysis(scores, options, least_items).run();
}

std::vector<MeasuredDomain> measured_domains(const MaskScores& scores,
                                             const BootstrapOptions& options, int64_t least_items) {
  return Analysis(scores, options, least_items).domains();
}

const MaskEffect* MaskEffects::find(int target, MaskKind kind) const {
  const auto found = std::ranges::find_if(effects, [&](const MaskEffect& effect) {
    return effect.target == target && effect.kind == kind;
  });
  return found == effects.end() ? nullptr : &*found;
}

}  // namespace expertoire
