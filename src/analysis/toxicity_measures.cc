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

}  // namespace

ToxicityMeasures measure_toxicity(Session& session, const Tokenizer& tokenizer,
                                  const ToxicityTask& task, const std::string& system,
                                  MeasureLog& log, const ProgressSink& progress) {
  return Measurer(session, tokenizer, task, system, log, progress).measure();
}

}  // namespace expertoire
