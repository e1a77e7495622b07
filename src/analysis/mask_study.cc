#include "analysis/mask_study.h"

#include <fmt/format.h>

#include <map>
#include <span>

#include "engine/score.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr size_t kBatchTokens = 2048;
constexpr const char* kNoMask = "none";

struct Batch {
  size_t first = 0, end = 0;  // documents
};

std::vector<Batch> batches_of(const StudyCorpus& corpus) {
  std::vector<Batch> batches;
  size_t tokens = kBatchTokens;
  for (size_t i = 0; i < corpus.documents.size(); ++i) {
    const size_t more = corpus.documents[i].ids.size();
    if (tokens + more > kBatchTokens) {
      batches.push_back({i, i});
      tokens = 0;
    }
    batches.back().end = i + 1;
    tokens += more;
  }
  return batches;
}

// Scores that an earlier run left, by mask and first document.
using Known = std::map<std::pair<std::string, size_t>, std::vector<double>>;

Known known_scores(const ItemLog& log) {
  Known known;
  for (const json& line : log.lines()) {
    const auto mask = line.find("mask"), first = line.find("first"), nats = line.find("nats");
    if (mask == line.end() || first == line.end() || nats == line.end() || !mask->is_string() ||
        !first->is_number_unsigned() || !nats->is_array()) {
      bad_file("the log of scores", in_short(line), "\"mask\", \"first\" and \"nats\"");
    }
    known[{mask->get<std::string>(), first->get<size_t>()}] = nats->get<std::vector<double>>();
  }
  return known;
}

std::vector<double> score_batch(Session& session, const StudyCorpus& corpus, const Batch& batch) {
  std::vector<std::span<const int32_t>> texts;
  for (size_t i = batch.first; i < batch.end; ++i) texts.emplace_back(corpus.documents[i].ids);
  std::vector<double> nats;
  for (const std::vector<double>& text : batch_log_probs(session, texts)) {
    double sum = 0;
    for (const double log_prob : text) sum -= log_prob;
    nats.push_back(sum);
  }
  return nats;
}

class Scorer {
 public:
  Scorer(Session& session, const StudyCorpus& corpus, ItemLog& log, size_t masks,
         const ProgressSink& progress)
      : session_(session),
        corpus_(corpus),
        log_(log),
        known_(known_scores(log)),
        batches_(batches_of(corpus)),
        total_(static_cast<int64_t>(masks * corpus.documents.size())),
        progress_(progress) {}

  // Under `edit`, unless all is known.
  std::vector<double> score(const std::string& mask, const std::function<RoutingEdit()>& edit) {
    std::vector<double> all;
    bool edited = false;
    for (const Batch& batch : batches_) {
      const auto found = known_.find({mask, batch.first});
      if (found != known_.end() && found->second.size() == batch.end - batch.first) {
        all.insert(all.end(), found->second.begin(), found->second.end());
      } else {
        if (!edited) session_.set_edit(edit());
        edited = true;
        const std::vector<double> nats = score_batch(session_, corpus_, batch);
        log_.append({{"mask", mask}, {"first", batch.first}, {"nats", nats}});
        all.insert(all.end(), nats.begin(), nats.end());
      }
      done_ += static_cast<int64_t>(batch.end - batch.first);
      if (progress_) progress_(done_, total_);
    }
    return all;
  }

 private:
  Session& session_;
  const StudyCorpus& corpus_;
  ItemLog& log_;
  Known known_;
  std::vector<Batch> batches_;
  int64_t done_ = 0, total_;
  const ProgressSink& progress_;
};

}  // namespace

std::string mask_name(const MaskRun& run, const std::vector<std::string>& domains) {
  return fmt::format("{} {} {}", domains.at(static_cast<size_t>(run.target)),
                     kMaskKindNames[static_cast<size_t>(run.kind)], run.seed);
}

MaskScores score_masks(Session& session, const std::vector<PlannedMask>& plan,
                       const std::vector<std::string>& domains, const StudyCorpus& corpus,
                       const RoutingEdit& base, ItemLog& log, const ProgressSink& progress) {
  MaskScores scores;
  scores.domains = domains;
  for (const StudyDocument& document : corpus.documents) {
    scores.domain_of.push_back(document.domain);
    scores.scored_bytes.push_back(document.scored_bytes);
  }
  Scorer scorer(session, corpus, log, plan.size() + 1, progress);
  scores.before = scorer.score(kNoMask, [&] { return base; });
  for (const PlannedMask& planned : plan) {
    const auto edit = [&] { return base.then(edit_of(planned.mask, session.model().config())); };
    scores.runs.push_back(planned.run);
    scores.after.push_back(scorer.score(mask_name(planned.run, domains), edit));
  }
  session.set_edit(base);
  return scores;
}

}  // namespace expertoire
