// expertoire eval choice
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/eval_commands.h"
#include "cli/eval_language.h"
#include "eval/choice_prompts.h"
#include "eval/choice_scores.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  LanguageOptions language;
  std::string task = kOwnTask, shots_from;
  ShotOptions shots;
};

json about(const Options& options) {
  json info = {{"task", options.task}, {"shots", options.shots.count}};
  if (options.shots.count == 0) return info;
  info["shots_from"] = options.shots_from.empty() ? "the data set itself" : options.shots_from;
  if (options.shots_from.empty()) info["shots_seed"] = options.shots.seed;
  info["drop_shots"] = options.shots.drop;
  return info;
}

// What a log of items belongs to, beside the data: other shots give other scores.
json fingerprint(const Options& options) {
  json all = about(options);
  if (!options.shots_from.empty()) all["shots_hash"] = file_hash(options.shots_from);
  return all;
}

// All that is known of a data set once every system has scored it.
struct Scored {
  const ChoiceTask& task;
  const ChoiceSet& set;
  std::vector<EvalResult> results = {};
  std::vector<EvalResult> categories = {};
};

EvalResult score_system(const Options& options, LanguageRun& run, const ChoicePrompts& prompts,
                        const std::string& system, Scored& scored) {
  std::vector<ChoiceOutcome> outcomes;
  const auto item = [&](size_t i) {
    ChoicePrompt prompt = prompts.prompt(i);
    outcomes.push_back({{}, prompt.shots, prompt.cut});
    return LanguageItem{std::move(prompt.contexts), std::move(prompt.continuations),
                        std::move(prompt.requests)};
  };
  const auto scores = run.score(system, scored.set.path, scored.set.items.size(), item);
  for (size_t i = 0; i < scores.size(); ++i) {
    for (const RequestScore& score : scores[i]) outcomes[i].log_probs.push_back(score.log_prob);
  }
  const BootstrapOptions bootstrap = options.language.data.bootstrap();
  for (EvalResult& one : category_results(scored.task, scored.set, outcomes, bootstrap)) {
    one.system = system;
    scored.categories.push_back(std::move(one));
  }
  EvalResult result =
      choice_result(scored.task, scored.set, outcomes, options.shots.count, bootstrap);
  result.details.update(about(options));
  return result;
}

void print_counts(const std::vector<EvalResult>& results) {
  for (const EvalResult& result : results) {
    std::vector<std::string> notes;
    for (const char* key :
         {"dropped_shots", "items_with_fewer_shots", "items_cut", "null_labels", "bad_rows"}) {
      const int64_t count = result.details.value(key, int64_t{0});
      if (count > 0) notes.push_back(fmt::format("{} {}", key, count));
    }
    if (!notes.empty()) fmt::print("{}: {}\n", result.dataset, fmt::join(notes, ", "));
  }
}

void choice(const Options& options) {
  const ChoiceTask& task = choice_task(options.task);
  const EvalDataOptions& data = options.language.data;
  std::vector<ChoiceSet> sets;
  for (const std::string& file : data.files) {
    sets.push_back(ChoiceSet::read(file, task, data.rows()));
  }
  std::optional<ChoiceSet> pool;
  if (!options.shots_from.empty()) {
    pool = ChoiceSet::read(options.shots_from, task, data.rows());
  }
  const json provenance = data.provenance();
  LanguageRun run(options.language, fingerprint(options));
  std::vector<EvalResult> results, categories;
  for (const ChoiceSet& set : sets) {
    Scored scored{task, set};
    const ChoicePrompts prompts(task, set, pool ? &*pool : nullptr, run.tokenizer(), run.pairs(),
                                options.shots);
    const int64_t before = run.tokens_run();
    for (EvalResult& one : before_and_after(run, data.bootstrap(), [&](const std::string& system) {
           return score_system(options, run, prompts, system, scored);
         })) {
      one.provenance.update(provenance);
      one.details["tokens_run"] = run.tokens_run() - before;
      if (!data.items) one.items = json::object();
      results.push_back(std::move(one));
    }
    categories.insert(categories.end(), scored.categories.begin(), scored.categories.end());
  }
  run.finish();
  data.publish(results, categories);
  if (data.json) return;
  print_counts(results);
  if (options.shots.count > 0) {
    fmt::print("{} shots from {}\n", options.shots.count,
               about(options)["shots_from"].get<std::string>());
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  for (const ChoiceTask& task : choice_tasks()) names.push_back(task.name);
  options->language.add_to(app, field_names(choice_task(kOwnTask)));
  app.get_option(field_option("question"))->excludes(field_option("context"));
  app.add_option("--task", options->task,
                 fmt::format("How rows become questions: {}", fmt::join(names, ", ")))
      ->capture_default_str();
  app.add_option("--shots", options->shots.count, "Answered questions before each")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--shots-from", options->shots_from,
                 "File of the shots, the first ones are taken (default: others of the data set, "
                 "in an order that the seed draws)");
  app.add_option("--shots-seed", options->shots.seed, "Seed of that order")->capture_default_str();
  app.add_flag("--drop-shots", options->shots.drop,
               "Leave whole shots out where a prompt is too long, instead of cutting its front");
  return [options] { choice(*options); };
}

}  // namespace

extern const Command kEvalChoiceCommand = {
    "choice", "Multiple choice by log probability: MMLU, ARC, WinoGrande and others", setup};

}  // namespace expertoire::cli
