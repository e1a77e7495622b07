#include "cli/study_options.h"

#include <fmt/format.h>

#include <cmath>

#include "embed/prompt.h"
#include "eval/report.h"
#include "io/atomic_file.h"

namespace expertoire::cli {

void StudyOptions::add_to(CLI::App& app) {
  data.add_to(app, {"sentence1", "sentence2", "score"});
  systems.embed.model.add_to(app);
  systems.embed.add_calibration(app);
  systems.embed.add_passes(app);
  systems.add_controls(app);
  app.add_option("--picture", picture, "Also the picture by itself, an .svg file");
}

void StudyOptions::set_prompts(const std::vector<std::string>& prompts) {
  systems.passes.clear();
  for (const std::string& prompt : prompts) {
    systems.passes.push_back(systems.embed);
    systems.passes.back().prompt = prompt;
  }
}

std::vector<std::string> paper_prompts() {
  std::vector<std::string> names;
  for (const NamedPrompt& prompt : named_prompts()) {
    if (prompt.name != "none" && prompt.name != "quoted") names.emplace_back(prompt.name);
  }
  return names;
}

StudyData::StudyData(const StudyOptions& options) : provenance(options.data.provenance()) {
  if (!options.picture.empty()) {
    check_ending(options.picture, {".svg"});
    check_writable(options.picture);
  }
  for (const std::string& file : options.data.files) {
    sets.push_back(StsPairs::read(file, options.data.rows("score"), texts));
  }
}

void for_each_part(const StudyOptions& options, const StudyData& data,
                   const std::function<void(const System&, const TextVectors&)>& use) {
  for_each_system(options.systems, data.texts.texts(),
                  [&](const System& system, const SystemVectors& vectors) {
                    if (!system.about.contains("kind")) return;  // token_mean, tfidf
                    use(system, std::get<TextVectors>(vectors));
                  });
}

void complete(EvalResult& result, const System& system, const StudyData& data) {
  result.system = system.name;
  result.details.update(system.about);
  result.provenance.update(system.provenance);
  result.provenance.update(data.provenance);
}

std::vector<PictureRow> score_rows(const std::vector<EvalResult>& results) {
  std::vector<PictureRow> rows;
  for (const EvalResult& result : results) {
    for (const auto& [name, score] : result.scores) {
      if (!std::isfinite(score.value)) continue;  // the mean of no two prompts
      rows.push_back({fmt::format("{}, {}: {}", result.dataset, result.system, name),
                      {score.value},
                      score.interval,
                      result.system == "model" ? 0U : 7U});
    }
  }
  return rows;
}

void publish(const StudyOptions& options, StudyOutput output) {
  for (auto* list : {&output.results, &output.shown}) {
    for (EvalResult& result : *list) {
      if (!options.data.items) result.items.clear();
    }
  }
  const Picture picture = stacked(output.pictures);
  if (!options.picture.empty()) write_file(options.picture, svg_file(picture));
  if (!options.data.report.empty()) {
    write_file(options.data.report, report_page(output.results, &picture));
  }
  options.data.save(output.results);
  const bool all = options.data.json || output.shown.empty();
  print_results(all ? output.results : output.shown, options.data.json);
}

}  // namespace expertoire::cli
