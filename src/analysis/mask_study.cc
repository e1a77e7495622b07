#include "analysis/mask_study.h"

#include <fmt/format.h>

#include <limits>
#include <map>
#include <span>

#include "base/content_hash.h"
#include "engine/score.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr size_t kBatchTokens = 2048;
constexpr size_t kBatchQuestions = 16;
constexpr const char* kNoMask = "none";

struct Batch {
  size_t first = 0, end = 0;  // items
};

// Items that are measured under every mask.
struct MaskTask {
  const char* key = "";  // of their values in a line of the log
  size_t items = 0;
  std::vector<Batch> batches = {};
  std::function<std::vector<double>(const Batch&)> measure = {};  // under the session's edit
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

// Each of questions of one group.
std::vector<Batch> batches_of(const ChoiceProbe& probe) {
  std::vector<Batch> batches;
  for (size_t i = 0; i < probe.size(); ++i) {
    const bool fits = !batches.empty() && i - batches.back().first < kBatchQuestions &&
                      probe.group(i) == probe.group(i - 1);
    if (!fits) batches.push_back({i, i});
    batches.back().end = i + 1;
  }
  return batches;
}

// Values that an earlier run left, by mask and first item.
using Known = std::map<std::pair<std::string, size_t>, std::vector<double>>;

Known known_values(const ItemLog& log, const char* key) {
  Known known;
  for (const json& line : log.lines()) {
    const auto mask = line.find("mask"), first = line.find("first");
    const bool sound = mask != line.end() && mask->is_string() && first != line.end() &&
                       first->is_number_unsigned() &&
                       (line.contains("nats") || line.contains("wrong"));
    if (!sound) bad_file("the log of scores", in_short(line), "\"mask\", \"first\" and values");
    const auto values = line.find(key);
    if (values == line.end()) continue;
    if (!values->is_array()) bad_file("the log of scores", in_short(line), "a list of numbers");
    known[{mask->get<std::string>(), first->get<size_t>()}] = values->get<std::vector<double>>();
  }
  return known;
}

std::vector<double> nats_of(Session& session, const StudyCorpus& corpus, const Batch& batch) {
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
  using Wanted = std::function<bool(const Batch&)>;

  Scorer(Session& session, const MaskTask& task, ItemLog& log, size_t masks,
         const ProgressSink& progress)
      : session_(session),
        task_(task),
        log_(log),
        known_(known_values(log, task.key)),
        total_(static_cast<int64_t>(masks * task.items)),
        progress_(progress) {}

  void before(const StudyPlan& plan, MaskScores& scores) {
    scores.domains = plan.domains;
    scores.beside = plan.beside;
    scores.before = score(kNoMask, [&] { return plan.base; }, {});
    session_.set_edit(plan.base);
  }

  // NaN for the items of batches that are not wanted.
  void after(const StudyPlan& plan, MaskScores& scores, const Wanted& wanted = {}) {
    for (const PlannedMask& planned : plan.masks) {
      const auto edit = [&] {
        return plan.base.then(edit_of(planned.mask, session_.model().config()));
      };
      scores.runs.push_back(planned.run);
      scores.after.push_back(score(mask_name(planned.run, plan.domains), edit, wanted));
    }
    session_.set_edit(plan.base);
  }

 private:
  // Under `edit`, unless all is known.
  std::vector<double> score(const std::string& mask, const std::function<RoutingEdit()>& edit,
                            const Wanted& wanted) {
    std::vector<double> all;
    bool edited = false;
    for (const Batch& batch : task_.batches) {
      const size_t items = batch.end - batch.first;
      const auto found = known_.find({mask, batch.first});
      if (wanted && !wanted(batch)) {
        all.insert(all.end(), items, std::numeric_limits<double>::quiet_NaN());
      } else if (found != known_.end() && found->second.size() == items) {
        all.insert(all.end(), found->second.begin(), found->second.end());
      } else {
        if (!edited) session_.set_edit(edit());
        edited = true;
        const std::vector<double> values = task_.measure(batch);
        log_.append({{"mask", mask}, {"first", batch.first}, {task_.key, values}});
        all.insert(all.end(), values.begin(), values.end());
      }
      done_ += static_cast<int64_t>(items);
      if (progress_) progress_(done_, total_);
    }
    return all;
  }

  Session& session_;
  const MaskTask& task_;
  ItemLog& log_;
  Known known_;
  int64_t done_ = 0, total_;
  const ProgressSink& progress_;
};

uint64_t add(std::span<const int32_t> numbers, uint64_t hash) {
  return fnv1a({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()}, hash);
}

}  // namespace

std::string mask_name(const MaskRun& run, const std::vector<std::string>& domains) {
  return fmt::format("{} {} {}", domains.at(static_cast<size_t>(run.target)),
                     kMaskKindNames[static_cast<size_t>(run.kind)], run.seed);
}

json study_fingerprint(const StudyPlan& plan, const StudyCorpus& corpus) {
  uint64_t texts = kFnvStart, masks = kFnvStart;
  for (const StudyDocument& document : corpus.documents) {
    texts = fnv1a(fmt::format("{} {} ", document.domain, document.ids.size()), texts);
    texts = add(document.ids, texts);
  }
  for (const PlannedMask& one : plan.masks) {
    masks = fnv1a(mask_name(one.run, plan.domains), masks);
    for (const auto& [layer, experts] : one.mask) {
      masks = fnv1a(fmt::format(" {} {} ", layer, experts.size()), masks);
      masks = add(experts, masks);
    }
  }
  return {{"texts", texts}, {"masks", masks}};
}

MaskScores score_masks(Session& session, const StudyPlan& plan, const StudyCorpus& corpus,
                       ItemLog& log, const ProgressSink& progress) {
  MaskScores scores;
  for (const StudyDocument& document : corpus.documents) {
    scores.domain_of.push_back(document.domain);
    scores.sizes.push_back(document.scored_bytes);
  }
  const MaskTask task{
      .key = "nats",
      .items = corpus.documents.size(),
      .batches = batches_of(corpus),
      .measure = [&](const Batch& batch) { return nats_of(session, corpus, batch); }};
  Scorer scorer(session, task, log, plan.masks.size() + 1, progress);
  scorer.before(plan, scores);
  scorer.after(plan, scores);
  return scores;
}

MaskScores ask_masks(Session& session, const StudyPlan& plan, const ChoiceProbe& probe,
                     const BootstrapOptions& options, int64_t least_items, ItemLog& log,
                     const ProgressSink& progress) {
  MaskScores scores;
  for (size_t i = 0; i < probe.size(); ++i) {
    scores.domain_of.push_back(probe.group(i));
    scores.sizes.push_back(1);
    scores.by_chance.push_back(1 - probe.chance(i));
  }
  const MaskTask task{
      .key = "wrong",
      .items = probe.size(),
      .batches = batches_of(probe),
      .measure = [&](const Batch& batch) { return probe.wrong(session, batch.first, batch.end); }};
  Scorer scorer(session, task, log, plan.masks.size() + 1, progress);
  scorer.before(plan, scores);
  const std::vector<MeasuredDomain> measured = measured_domains(scores, options, least_items);
  scorer.after(plan, scores, [&](const Batch& batch) {
    return measured[static_cast<size_t>(probe.group(batch.first))].claimed;
  });
  return scores;
}

}  // namespace expertoire
