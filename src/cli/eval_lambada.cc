// expertoire eval lambada
#include "cli/eval_commands.h"
#include "cli/eval_language.h"
#include "eval/last_word.h"

namespace expertoire::cli {
namespace {

EvalResult score_system(const LanguageOptions& options, LanguageRun& run, const LastWordSet& set,
                        const std::string& system) {
  const auto item = [&](size_t i) {
    const LastWord& word = set.items[i];
    return LanguageItem{
        {word.context},
        {word.word},
        {encode_pair(run.tokenizer(), word.context, word.word, run.pairs()).request}};
  };
  std::vector<RequestScore> scores;
  for (const auto& one : run.score(system, set.path, set.items.size(), item)) {
    scores.push_back(one.front());
  }
  return last_word_result(set, scores, options.data.bootstrap());
}

void lambada(const LanguageOptions& options) {
  std::vector<LastWordSet> sets;
  for (const std::string& file : options.data.files) {
    sets.push_back(LastWordSet::read(file, options.data.rows()));
  }
  const nlohmann::json provenance = options.data.provenance();
  LanguageRun run(options, {{"task", "lambada"}});
  std::vector<EvalResult> results;
  for (const LastWordSet& set : sets) {
    for (EvalResult& one : before_and_after(
             run, options.data.bootstrap(),
             [&](const std::string& system) { return score_system(options, run, set, system); })) {
      one.provenance.update(provenance);
      if (!options.data.items) one.items = nlohmann::json::object();
      results.push_back(std::move(one));
    }
  }
  run.finish();
  options.data.publish(results);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<LanguageOptions>();
  options->add_to(app, {"text"});
  return [options] { lambada(*options); };
}

}  // namespace

extern const Command kEvalLambadaCommand = {
    "lambada", "The last word of a text: accuracy and perplexity, as lambada_openai", setup};

}  // namespace expertoire::cli
