// expertoire eval study errors
#include <fmt/format.h>

#include <algorithm>

#include "cli/study_commands.h"
#include "cli/study_options.h"
#include "eval/complementarity.h"
#include "eval/error_analysis.h"

namespace expertoire::cli {
namespace {

struct Options {
  StudyOptions study;
  ErrorOptions errors;
  size_t examples = 3;
};

double words_of(const std::string& text) {
  return 1 + static_cast<double>(std::count(text.begin(), text.end(), ' '));
}

std::vector<double> lengths_of(const StsPairs& pairs, const TextTable& texts) {
  std::vector<double> lengths;
  for (size_t i = 0; i < pairs.gold.size(); ++i) {
    lengths.push_back(words_of(texts.texts()[pairs.first[i]]) +
                      words_of(texts.texts()[pairs.second[i]]));
  }
  return lengths;
}

// The pairs that one part ranks right and the other fails by most.
nlohmann::json examples_of(const StsPairs& pairs, const TextTable& texts,
                           const PartSimilarities& similarities, const Options& options) {
  nlohmann::json examples = nlohmann::json::array();
  const auto hidden = rank_errors(pairs.gold, similarities.hidden);
  const auto routing = rank_errors(pairs.gold, similarities.routing);
  for (const auto& [name, good, bad] : {std::tuple("only_hidden", &hidden, &routing),
                                        std::tuple("only_routing", &routing, &hidden)}) {
    std::vector<size_t> chosen;
    for (size_t i = 0; i < good->size(); ++i) {
      if (std::abs((*good)[i]) <= options.errors.tolerance) chosen.push_back(i);
    }
    std::stable_sort(chosen.begin(), chosen.end(), [bad = bad](size_t a, size_t b) {
      return std::abs((*bad)[a]) > std::abs((*bad)[b]);
    });
    chosen.resize(std::min(chosen.size(), options.examples));
    for (const size_t i : chosen) {
      examples.push_back({{"right", name},
                          {"sentence1", texts.texts()[pairs.first[i]]},
                          {"sentence2", texts.texts()[pairs.second[i]]},
                          {"score", pairs.gold[i]},
                          {"hidden_error", hidden[i]},
                          {"routing_error", routing[i]}});
    }
  }
  return examples;
}

void print_examples(const std::vector<EvalResult>& results) {
  for (const EvalResult& result : results) {
    if (result.system != "model") continue;
    for (const nlohmann::json& one : result.details["examples"]) {
      fmt::print("{} {}, score {:g}, off by {:+.2f} (hidden) and {:+.2f} (routing):\n  {}\n  {}\n",
                 result.dataset, one["right"].get<std::string>(), one["score"].get<double>(),
                 one["hidden_error"].get<double>(), one["routing_error"].get<double>(),
                 one["sentence1"].get<std::string>(), one["sentence2"].get<std::string>());
    }
  }
}

void study(const Options& options) {
  const StudyData data(options.study);
  StudyOutput output;
  std::vector<PartSimilarities> parts(data.sets.size());
  for_each_part(options.study, data, [&](const System& system, const TextVectors& vectors) {
    const std::string kind = system.about.at("kind");
    for (size_t i = 0; i < data.sets.size(); ++i) {
      const StsPairs& pairs = data.sets[i];
      (kind == "hidden"    ? parts[i].hidden
       : kind == "routing" ? parts[i].routing
                           : parts[i].sum) = pair_cosines(pairs, vectors);
      if (kind != "sum") continue;  // the last of the three
      EvalResult result =
          error_shares(pairs.gold, parts[i], lengths_of(pairs, data.texts), options.errors);
      result.dataset = pairs.dataset;
      complete(result, system, data);
      for (const char* key : {"kind", "alpha"}) result.details.erase(key);
      result.details["sum_alpha"] = system.about.at("alpha");
      result.details["examples"] = examples_of(pairs, data.texts, parts[i], options);
      output.results.push_back(std::move(result));
    }
  });
  output.pictures = {{"Share of pairs whose place is right",
                      dot_picture(score_rows(output.results), "share of pairs")}};
  const std::vector<EvalResult> results = output.results;
  publish(options.study, std::move(output));
  if (!options.study.data.json) print_examples(results);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->study.add_to(app);
  options->study.systems.kinds = {"hidden", "routing", "sum"};
  options->study.systems.embed.add_prompt(app);
  options->study.systems.embed.add_pooling(app);
  app.add_option("--tolerance", options->errors.tolerance,
                 "A pair is failed when its place differs by more, of all places")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--examples", options->examples, "Pairs shown that only one of the two has right")
      ->capture_default_str();
  return [options] {
    options->errors.bootstrap = options->study.data.bootstrap();
    study(*options);
  };
}

}  // namespace

extern const Command kStudyErrorsCommand = {
    "errors", "Pairs that hidden states or routing rank wrongly: the same ones?", setup};

}  // namespace expertoire::cli
