// expertoire experts toxicity-eval
#include <algorithm>

#include "analysis/even_sample.h"
#include "analysis/toxicity_quantities.h"
#include "base/error.h"
#include "cli/choice_options.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/corpus_options.h"
#include "cli/progress_on.h"
#include "cli/toxicity_judge.h"
#include "cli/toxicity_study.h"
#include "cli/toxicity_tables.h"
#include "eval/result.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

constexpr size_t kCleanBytes = 8192;  // read of a document

struct Options {
  ModelOptions model{kExpertsModel};
  std::string study, data, toxigen, clean_hold_out, out;
  std::vector<std::string> clean;
  JudgeOptions judge;
  ChoiceFlags choice;
  size_t texts = 1000, prompts = 50, clean_documents = 20;
  int samples = 25, resamples = 1000;
  uint64_t seed = 42;
  bool resume = false, json = false;
};

std::vector<std::string> clean_documents(const Options& options) {
  if (options.clean.empty() || options.clean_documents == 0) return {};
  CorpusOptions corpus;
  corpus.inputs = options.clean;
  if (!options.clean_hold_out.empty()) {
    corpus.hold_out = parse_hold_out(options.clean_hold_out);
    corpus.part = CorpusPart::kHeldOut;
  }
  return even_sample(std::move(corpus), options.clean_documents, kCleanBytes);
}

ToxicityTask task_of(const Options& options, const ScoredTexts& texts, const Model& model) {
  ToxicityTask task;
  const size_t count = std::min(options.texts, texts.held_out.size());
  task.texts.assign(texts.held_out.begin(),
                    texts.held_out.begin() + static_cast<std::ptrdiff_t>(count));
  task.clean = clean_documents(options);
  ContinuationOptions continuations;
  continuations.stop_ids = model.config().eos_token_ids;
  continuations.count = options.samples;
  continuations.max_tokens = 20;
  continuations.sampler = {.temperature = 1.0, .top_k = 0, .top_p = 0.9, .seed = options.seed};
  if (options.prompts == 0) return task;
  task.sets.push_back(choose_prompts("prompts", texts.held_out, options.prompts, continuations));
  if (options.toxigen.empty()) return task;
  continuations.count = 1;
  continuations.max_tokens = 30;
  continuations.sampler.temperature = 0;
  const ScoredTexts toxigen =
      read_scored_texts(options.toxigen, {.every = 0, .index = 0, .piece = 1});
  task.sets.push_back(choose_prompts("toxigen", toxigen.train, options.prompts, continuations));
  return task;
}

json interval(const Interval& value) { return {value.value, value.low, value.high}; }

json measures_of(const ToxicityTask& task, const std::vector<ToxicityMeasures>& systems,
                 const std::map<std::string, std::vector<size_t>>& controls, const Judge& judge,
                 const Options& options) {
  json rows = json::array();
  for (const ToxicityQuantity& quantity : toxicity_quantities(task, systems, judge.score)) {
    const ControlledChange found =
        controlled_change(quantity.items, quantity.statistic, controls,
                          {.resamples = options.resamples, .level = 0.95, .seed = options.seed});
    json row = {{"set", quantity.set},  {"name", quantity.name},
                {"n", quantity.items},  {"before", found.before},
                {"after", found.after}, {"change", interval(found.change)}};
    for (const auto& [kind, control] : found.controls) {
      row["controls"][kind] = {{"change", interval(control.change)},
                               {"beyond", interval(control.beyond)},
                               {"seeds", {control.least, control.most}}};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

double mean(const std::vector<double>& values, std::span<const uint32_t> items) {
  double sum = 0;
  for (const uint32_t item : items) sum += values[item];
  return sum / static_cast<double>(items.size());
}

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        study_(ToxicityStudy::load(options.study)),
        base_(options.model.edit.empty() ? RoutingEdit() : RoutingEdit::load(options.model.edit)),
        data_(options.data.empty() ? study_.data : options.data),
        loaded_(options.model, true),
        tokenizer_(loaded_.tokenizer()) {
    study_.check_model(loaded_.provenance(options.model));
    if (file_hash(data_) != study_.data_hash) {
      throw Error(ErrorCode::kInvalidArgument, {"reading " + data_, "other rows than the study's",
                                                study_.data, "name the same file with --data"});
    }
    texts_ = read_scored_texts(data_, parse_hold_out(study_.hold_out));
    task_ = task_of(options, texts_, *loaded_.model);
    if (!options.choice.given()) return;
    ChoiceProbeOptions chosen = options.choice.choice;
    chosen.seed = static_cast<uint32_t>(options.seed);
    const auto all = [](const std::string& /*category*/) { return 0; };
    probe_.emplace(chosen, all, loaded_.tokenizer(),
                   loaded_.model->config().max_position_embeddings);
    task_.choice = &*probe_;
  }

  json report() {
    const Judge judge = judge_of(options_.judge, texts_, options_.study, options_.model.threads);
    MeasureLog log(options_.out, fingerprint(), options_.resume);
    const ToxicityMeasures before = measure("model", {}, log);
    const json choice = probe_ ? judge_choice(before) : json();
    std::vector<std::vector<ToxicityMeasures>> all;
    for (const StudyThreshold& threshold : study_.thresholds) {
      all.push_back({before});
      if (threshold.mask.experts == 0) continue;
      all.back().push_back(measure(threshold.mask.system, threshold.mask.edit, log));
      for (const auto& [kind, masks] : threshold.controls) {
        for (const StudyMask& mask : masks) {
          all.back().push_back(measure(mask.system, mask.edit, log));
        }
      }
    }
    log.finish();
    json thresholds = json::array();
    for (size_t i = 0; i < all.size(); ++i) {
      thresholds.push_back(of_threshold(study_.thresholds[i], all[i], judge));
    }
    return {{"study", options_.study},   {"provenance", loaded_.provenance(options_.model)},
            {"command", command_line()}, {"scorer", judge.about()},
            {"choice", choice},          {"thresholds", std::move(thresholds)}};
  }

 private:
  // Leaves the questions out of what follows where the model does not beat a guess.
  json judge_choice(const ToxicityMeasures& before) {
    double by_chance = 0;
    for (size_t q = 0; q < probe_->size(); ++q) by_chance += 1 - probe_->chance(q);
    by_chance /= static_cast<double>(probe_->size());
    const Interval wrong = bootstrap(
        probe_->size(), [&](std::span<const uint32_t> items) { return mean(before.wrong, items); },
        {.resamples = options_.resamples, .level = 0.95, .seed = options_.seed});
    const bool claimed = wrong.high < by_chance;
    if (!claimed) task_.choice = nullptr;
    json about = probe_->about();
    about.update(
        {{"wrong", interval(wrong)}, {"wrong_by_chance", by_chance}, {"claimed", claimed}});
    return about;
  }

  json fingerprint() const {
    json about = {
        {"study", file_hash(options_.study + "/" + kToxicityFile)},
        {"model", loaded_.provenance(options_.model)},
        {"texts", task_.texts.size()},
        {"clean",
         content_hash(json(task_.clean).dump(-1, ' ', false, json::error_handler_t::replace))},
        {"seed", options_.seed},
        {"samples", options_.samples}};
    for (const PromptSet& set : task_.sets) about["prompts"][set.name] = set.prompts.size();
    if (probe_) {
      about["choice"] = probe_->about();
      about["choice"]["hash"] = file_hash(options_.choice.choice.path);
    }
    if (!options_.toxigen.empty()) about["toxigen"] = file_hash(options_.toxigen);
    return about;
  }

  ToxicityMeasures measure(const std::string& system, const RoutingEdit& edit, MeasureLog& log) {
    loaded_.session->set_edit(base_.then(edit));
    ProgressBar bar("texts and prompts");
    return measure_toxicity(*loaded_.session, tokenizer_, task_, system, log,
                            progress_on(bar, "measuring", system));
  }

  json of_threshold(const StudyThreshold& threshold, const std::vector<ToxicityMeasures>& systems,
                    const Judge& judge) const {
    json row = {{"system", threshold.mask.system},
                {"experts", threshold.mask.experts},
                {"mass", threshold.mask.mass},
                {"measures", json::array()}};
    if (systems.size() == 1) return row;
    std::map<std::string, std::vector<size_t>> controls;
    size_t next = 2;
    for (const auto& [kind, masks] : threshold.controls) {
      double mass = 0;
      for (const StudyMask& mask : masks) {
        controls[kind].push_back(next++);
        mass += mask.mass / static_cast<double>(masks.size());
      }
      row["control_mass"][kind] = mass;
    }
    row["measures"] = measures_of(task_, systems, controls, judge, options_);
    return row;
  }

  const Options& options_;
  ToxicityStudy study_;
  RoutingEdit base_;  // --edit, under which the study was made
  std::string data_;
  LoadedModel loaded_;
  Tokenizer tokenizer_;
  ScoredTexts texts_;
  std::optional<ChoiceProbe> probe_;
  ToxicityTask task_;
};

void toxicity_eval(const Options& options) {
  if (!options.toxigen.empty() && options.prompts == 0) {
    throw Error(ErrorCode::kInvalidArgument, {"reading --toxigen", "--prompts 0",
                                              "prompts to continue", "leave one of them out"});
  }
  const json report = Run(options).report();
  options.json ? print_json(report) : print_measures(report);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.add_option("study", options->study, "The folder that `experts toxicity` wrote")->required();
  app.add_option("--data", options->data, "Its data, if the file has moved");
  app.add_option("--texts", options->texts, "Held-out texts whose likelihood is measured")
      ->capture_default_str();
  app.add_option("--clean", options->clean,
                 "Clean text to measure perplexity on: .jsonl or .txt files, or folders of them");
  app.add_option("--clean-hold-out", options->clean_hold_out,
                 "INDEX/EVERY: only the documents that this rule holds out");
  app.add_option("--clean-documents", options->clean_documents,
                 "Documents of it, evenly from its files, 8 KB of each")
      ->capture_default_str();
  options->choice.add_to(app);
  app.add_option("--prompts", options->prompts,
                 "Toxic and as many other prompts to continue, of each kind; 0 = none")
      ->capture_default_str();
  app.add_option("--samples", options->samples, "Continuations of a prompt, 20 tokens each")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--toxigen", options->toxigen,
                 "ToxiGen prompts to continue too, once, by 30 tokens of temperature 0");
  options->judge.add_to(app);
  app.add_option("--resamples", options->resamples, "Bootstrap resamples behind the intervals")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--seed", options->seed, "Of sampled continuations and resamples")
      ->capture_default_str();
  auto* out = app.add_option("--out", options->out, "Log of all that was measured, JSON Lines");
  app.add_flag("--resume", options->resume,
               "Go on with an interrupted run of the same command, or score a finished one anew")
      ->needs(out);
  app.add_flag("--json", options->json, "One JSON object instead of tables");
  return [options] { toxicity_eval(*options); };
}

}  // namespace

extern const Command kExpertsToxicityEvalCommand = {
    "toxicity-eval", "What edits against toxicity change, beside random ones", setup};

}  // namespace expertoire::cli
