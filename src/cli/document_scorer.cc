#include "cli/document_scorer.h"

#include "io/json.h"
#include "io/refuse.h"
#include "io/text_source.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

json fingerprint(const ScoringOptions& options, const LoadedModel& loaded,
                 const std::function<json()>& about) {
  if (options.out.empty()) return {};
  json all = {{"documents", about()},
              {"model", loaded.provenance(options.model)},
              {"context", options.windows.context},
              {"stride", options.windows.stride}};
  if (!options.model.edit.empty()) all["edit_hash"] = file_hash(options.model.edit);
  return all;
}

}  // namespace

void add_window_options(CLI::App& app, WindowOptions& windows) {
  app.add_option("--context", windows.context,
                 "Tokens of a window (default: the model's, at most 2048)")
      ->check(CLI::PositiveNumber);
  app.add_option("--stride", windows.stride, "Tokens between windows (default: half of that)")
      ->check(CLI::PositiveNumber);
}

void ScoringOptions::add_to(CLI::App& app) {
  model.add_to(app);
  add_window_options(app, windows);
  auto* log = app.add_option("--out", out, "Log of what was scored, window by window, JSON Lines");
  app.add_flag("--resume", resume, "Continue an interrupted run of the same command")->needs(log);
}

DocumentScorer::DocumentScorer(const ScoringOptions& options, LoadedModel& loaded,
                               const std::function<json()>& about)
    : options_(options),
      loaded_(loaded),
      tokenizer_(loaded.tokenizer()),
      log_(options.out, fingerprint(options, loaded, about), options.resume) {}

ScoredPart DocumentScorer::begun(const std::string& system, const std::string& file,
                                 size_t document) const {
  const json* known = log_.find(system, file, document);
  if (known == nullptr) return {};
  try {
    return {known->at("next").get<int64_t>(), known->at("nats").get<double>()};
  } catch (const json::exception&) {
    bad_file(options_.out + ".partial", in_short(*known), "the next token and a sum of nats",
             "run without --resume to start over");
  }
}

TextScore DocumentScorer::score(const std::string& system, const std::string& file, size_t document,
                                const std::string& text, const ProgressSink& progress) {
  interrupt_token().check("scoring");
  return score_text(
      *loaded_.session, tokenizer_, text, options_.windows,
      [&](const ScoredPart& part, int64_t tokens) {
        log_.add(system, file, document, {{"next", part.next}, {"nats", part.nats}});
        interrupt_token().check("scoring");
        progress(part.next, tokens);
      },
      begun(system, file, document));
}

std::vector<TextScore> score_file(DocumentScorer& scorer, const std::string& system,
                                  const std::string& path, const std::string& field) {
  std::vector<TextScore> scores;
  const auto add = [&](const std::string& text) {
    ProgressBar bar("tokens");
    scores.push_back(
        scorer.score(system, path, scores.size(), text, [&](int64_t done, int64_t all) {
          bar.update(done, static_cast<double>(done) / static_cast<double>(all));
        }));
  };
  if (names_json_lines(path)) {
    TextSource texts(path, field);
    while (const auto text = texts.next()) add(*text);
  } else {
    add(read_text_file(path));
  }
  return scores;
}

}  // namespace expertoire::cli
