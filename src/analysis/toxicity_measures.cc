#include "analysis/toxicity_measures.h"

#include <algorithm>

#include "engine/prefix_scorer.h"
#include "eval/encode_pair.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr size_t kTextsAtOnce = 64;  // whose tokens are in memory together
constexpr size_t kQuestionsAtOnce = 16;

class Measurer {
 public:
  Measurer(Session& session, const Tokenizer& tokenizer, const ToxicityTask& task,
           const std::string& system, MeasureLog& log, const ProgressSink& progress)
      : session_(session),
        tokenizer_(tokenizer),
        task_(task),
        system_(system),
        log_(log),
        progress_(progress) {
    total_ = static_cast<int64_t>(task.texts.size() + task.clean.size());
    if (task.choice != nullptr) total_ += static_cast<int64_t>(task.choice->size());
    for (const PromptSet& set : task.sets) total_ += static_cast<int64_t>(set.prompts.size());
  }

  ToxicityMeasures measure() {
    ToxicityMeasures measures;
    measures.continuations = continuations();
    measures.clean = clean();
    if (task_.choice != nullptr) measures.wrong = wrong(*task_.choice);
    for (const PromptSet& set : task_.sets) measures.samples.push_back(samples(set));
    return measures;
  }

 private:
  void advance(size_t steps = 1) {
    done_ += static_cast<int64_t>(steps);
    if (progress_) progress_(done_, total_);
  }

  // Texts without a continuation keep a score of no tokens.
  std::vector<TextScore> continuations() {
    std::vector<TextScore> scores(task_.texts.size());
    PrefixScorer scorer(session_);
    for (size_t begin = 0; begin < scores.size(); begin += kTextsAtOnce) {
      const size_t end = std::min(begin + kTextsAtOnce, scores.size());
      std::vector<ScoreRequest> requests;
      std::vector<size_t> owners;
      for (size_t i = begin; i < end; ++i) {
        if (const json* known = log_.find(system_, "likelihood", i)) {
          scores[i].nats = known->at("nats").get<double>();
          scores[i].scored = known->at("tokens").get<int64_t>();
          advance();
        } else if (task_.texts[i].continuation.empty()) {
          advance();
        } else {
          requests.push_back(request(task_.texts[i]));
          owners.push_back(i);
        }
      }
      scorer.score(requests, [&](size_t r, const RequestScore& score) {
        TextScore& text = scores[owners[r]];
        text.nats = -score.log_prob;
        text.scored = static_cast<int64_t>(requests[r].ids.size() - requests[r].first);
        log_.add(system_, "likelihood", owners[r], {{"nats", text.nats}, {"tokens", text.scored}});
        advance();
      });
    }
    return scores;
  }

  ScoreRequest request(const ScoredText& text) const {
    const int64_t most = session_.model().config().max_position_embeddings;
    return encode_pair(tokenizer_, text.prompt, text.continuation,
                       {.bos = true, .max_length = most})
        .request;
  }

  std::vector<TextScore> clean() {
    std::vector<TextScore> scores;
    for (size_t i = 0; i < task_.clean.size(); ++i) {
      TextScore score;
      if (const json* known = log_.find(system_, "clean", i)) {
        score.nats = known->at("nats").get<double>();
        score.scored = known->at("tokens").get<int64_t>();
        score.scored_bytes = known->at("bytes").get<int64_t>();
      } else {
        score = score_text(session_, tokenizer_, task_.clean[i], task_.windows);
        log_.add(system_, "clean", i,
                 {{"nats", score.nats}, {"tokens", score.scored}, {"bytes", score.scored_bytes}});
      }
      scores.push_back(score);
      advance();
    }
    return scores;
  }

  std::vector<double> wrong(const ChoiceProbe& probe) {
    std::vector<double> all;
    while (all.size() < probe.size()) {
      const size_t first = all.size();
      if (const json* known = log_.find(system_, "choice", first)) {
        all.push_back(known->get<double>());
      } else {
        const size_t end = std::min(first + kQuestionsAtOnce, probe.size());
        for (const double one : probe.wrong(session_, first, end)) {
          log_.add(system_, "choice", all.size(), one);
          all.push_back(one);
        }
      }
      advance(all.size() - first);
    }
    return all;
  }

  std::vector<std::vector<std::string>> samples(const PromptSet& set) {
    std::vector<std::vector<std::string>> all;
    for (size_t i = 0; i < set.prompts.size(); ++i) {
      if (const json* known = log_.find(system_, set.name, i)) {
        all.push_back(known->get<std::vector<std::string>>());
      } else {
        all.emplace_back();
        for (const std::vector<int32_t>& ids :
             sample_continuations(session_, tokenizer_.encode(set.prompts[i]), i, set.options)) {
          all.back().push_back(tokenizer_.decode(ids, true));
        }
        log_.add(system_, set.name, i, all.back());
      }
      advance();
    }
    return all;
  }

  Session& session_;
  const Tokenizer& tokenizer_;
  const ToxicityTask& task_;
  const std::string& system_;
  MeasureLog& log_;
  const ProgressSink& progress_;
  int64_t done_ = 0, total_ = 0;
};

TextScore sum_of(const std::vector<TextScore>& texts, const std::vector<uint32_t>& group,
                 std::span<const uint32_t> items) {
  TextScore sum;
  for (const uint32_t item : items) sum += texts[group[item]];
  return sum;
}

// Numbers of the items that a group holds.
template <class Belongs>
std::vector<uint32_t> group_of(size_t items, Belongs belongs) {
  std::vector<uint32_t> group;
  for (uint32_t i = 0; i < items; ++i) {
    if (belongs(i)) group.push_back(i);
  }
  return group;
}

class Quantities {
 public:
  Quantities(const ToxicityTask& task, const std::vector<ToxicityMeasures>& systems,
             const TextScorer& scorer)
      : task_(task), systems_(systems), scorer_(scorer) {}

  std::vector<ToxicityQuantity> all() {
    likelihood();
    if (!task_.clean.empty()) {
      const auto every = group_of(task_.clean.size(), [](uint32_t) { return true; });
      add("clean text", "bits a byte", every.size(),
          [&systems = systems_, every](size_t s, std::span<const uint32_t> items) {
            return sum_of(systems[s].clean, every, items).bits_per_byte();
          });
    }
    if (task_.choice != nullptr) {
      add("choice", "share of wrong answers", task_.choice->size(),
          [&systems = systems_](size_t s, std::span<const uint32_t> items) {
            double sum = 0;
            for (const uint32_t item : items) sum += systems[s].wrong[item];
            return sum / static_cast<double>(items.size());
          });
    }
    for (size_t set = 0; set < task_.sets.size(); ++set) {
      samples(set, true);
      samples(set, false);
    }
    return std::move(quantities_);
  }

 private:
  void add(std::string set, std::string name, size_t items, SystemStatistic statistic) {
    if (items == 0) return;
    quantities_.push_back({std::move(set), std::move(name), items, std::move(statistic)});
  }

  std::vector<uint32_t> texts(bool toxic) const {
    return group_of(task_.texts.size(), [&](uint32_t i) {
      const ScoredText& text = task_.texts[i];
      return !text.continuation.empty() && (text.continuation_toxicity >= kToxic) == toxic;
    });
  }

  void likelihood() {
    const std::vector<uint32_t> toxic = texts(true), clean = texts(false);
    const auto nats = [&systems = systems_](const std::vector<uint32_t>& group) -> SystemStatistic {
      return [&systems, group](size_t s, std::span<const uint32_t> items) {
        return sum_of(systems[s].continuations, group, items).nll_mean();
      };
    };
    add("likelihood", "nats a token, toxic", toxic.size(), nats(toxic));
    add("likelihood", "nats a token, clean", clean.size(), nats(clean));
    if (toxic.empty() || clean.empty()) return;
    // Both groups in one list, so that a resample draws from both.
    std::vector<uint32_t> both = toxic;
    both.insert(both.end(), clean.begin(), clean.end());
    const size_t first_clean = toxic.size();
    add("likelihood", "toxic less clean", both.size(),
        [&systems = systems_, both, first_clean](size_t s, std::span<const uint32_t> items) {
          TextScore sums[2];
          for (const uint32_t item : items) {
            sums[item < first_clean ? 0 : 1] += systems[s].continuations[both[item]];
          }
          return sums[0].nll_mean() - sums[1].nll_mean();
        });
  }

  // Scores of a set, [systems][prompts][continuations].
  std::vector<std::vector<std::vector<double>>> scores_of(size_t set,
                                                          const std::vector<uint32_t>& group) {
    std::vector<std::vector<std::vector<double>>> scores;
    for (const ToxicityMeasures& system : systems_) {
      scores.emplace_back();
      for (const uint32_t prompt : group) {
        scores.back().push_back(scorer_(system.samples[set][prompt]));
      }
    }
    return scores;
  }

  // `of`: a prompt's part in the mean over prompts, from its continuations' scores.
  void add_mean(const std::string& set, const std::string& name, size_t prompts,
                const std::vector<std::vector<std::vector<double>>>& scores,
                double (*of)(const std::vector<double>&)) {
    std::vector<std::vector<double>> values;
    for (const auto& system : scores) {
      values.emplace_back();
      for (const auto& of_prompt : system) values.back().push_back(of(of_prompt));
    }
    add(set, name, prompts, [values](size_t s, std::span<const uint32_t> items) {
      double sum = 0;
      for (const uint32_t item : items) sum += values[s][item];
      return sum / static_cast<double>(items.size());
    });
  }

  void samples(size_t index, bool toxic) {
    const PromptSet& set = task_.sets[index];
    const auto group =
        group_of(set.prompts.size(), [&](uint32_t i) { return set.toxic[i] == toxic; });
    const auto scores = scores_of(index, group);
    const std::string name = set.name + (toxic ? ", toxic prompts" : ", other prompts");
    if (set.options.count > 1) {
      add_mean(name, "expected maximum", group.size(), scores,
               [](const std::vector<double>& s) { return std::ranges::max(s); });
    }
    add_mean(name, "probability", group.size(), scores, [](const std::vector<double>& s) {
      return std::ranges::any_of(s, [](double one) { return one > kToxic; }) ? 1.0 : 0.0;
    });
    add_mean(name, "mean", group.size(), scores, [](const std::vector<double>& s) {
      double sum = 0;
      for (const double one : s) sum += one;
      return sum / static_cast<double>(s.size());
    });
  }

  const ToxicityTask& task_;
  const std::vector<ToxicityMeasures>& systems_;
  const TextScorer& scorer_;
  std::vector<ToxicityQuantity> quantities_;
};

}  // namespace

PromptSet choose_prompts(std::string name, const std::vector<ScoredText>& texts, size_t most,
                         const ContinuationOptions& options) {
  PromptSet set{std::move(name), {}, {}, options};
  for (const bool toxic : {true, false}) {
    const auto group = group_of(
        texts.size(), [&](uint32_t i) { return (texts[i].prompt_toxicity >= kToxic) == toxic; });
    const size_t count = std::min(most, group.size());
    for (size_t i = 0; i < count; ++i) {
      set.prompts.push_back(texts[group[i * group.size() / count]].prompt);
      set.toxic.push_back(toxic);
    }
  }
  return set;
}

ToxicityMeasures measure_toxicity(Session& session, const Tokenizer& tokenizer,
                                  const ToxicityTask& task, const std::string& system,
                                  MeasureLog& log, const ProgressSink& progress) {
  return Measurer(session, tokenizer, task, system, log, progress).measure();
}

std::vector<ToxicityQuantity> toxicity_quantities(const ToxicityTask& task,
                                                  const std::vector<ToxicityMeasures>& systems,
                                                  const TextScorer& scorer) {
  return Quantities(task, systems, scorer).all();
}

}  // namespace expertoire
