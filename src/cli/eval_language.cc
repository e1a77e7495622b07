#include "cli/eval_language.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "base/error.h"
#include "eval/compare.h"
#include "eval/logged_items.h"
#include "io/refuse.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;
using Scores = std::vector<std::vector<RequestScore>>;

constexpr size_t kItemsAtOnce = 64;  // whose prompts are in memory together

ModelOptions without_edit(ModelOptions options) {
  options.edit.clear();
  return options;
}

}  // namespace

void LanguageOptions::add_to(CLI::App& app, const std::vector<std::string>& fields) {
  data.add_to(app, fields);
  model.add_to(app);
  app.add_option("--batch-tokens", batch_tokens, "Tokens of one packed batch")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--max-length", max_length,
                 "Tokens of the longest input (default: the model's); longer ones lose their front")
      ->check(CLI::PositiveNumber);
  app.add_flag("--bos", bos, "Special tokens before every prompt (lm-eval's add_bos_token)");
  app.add_flag("--plain", plain, "Compute every prompt from its first token, for comparison");
  auto* log = app.add_option("--out", out, "Log of every item's scores, JSON Lines");
  app.add_flag("--resume", resume, "Continue an interrupted run of the same command")->needs(log);
  app.add_option("--export-lm-eval", export_folder,
                 "Folder for the requests and their log probabilities, a .jsonl a data set");
}

LanguageRun::LanguageRun(const LanguageOptions& options, const json& about)
    : options_(options),
      loaded_(without_edit(options.model), true),
      tokenizer_(loaded_.tokenizer()) {
  const int64_t most = loaded_.model->config().max_position_embeddings;
  if (options.max_length > most) {
    throw Error(ErrorCode::kTooLong, {"reading --max-length", std::to_string(options.max_length),
                                      "at most " + std::to_string(most), ""});
  }
  if (!options.model.edit.empty()) RoutingEdit::load(options.model.edit);  // refuses it now
  if (!options.export_folder.empty()) open_exports();
  if (options.out.empty()) return;
  json fingerprint = {{"about", about}, {"model", provenance("edit")}};
  fingerprint["fields"] = options.data.rows().names;
  fingerprint["max_length"] = pairs().max_length;
  fingerprint["bos"] = options.bos;
  for (const std::string& path : options.data.files) fingerprint["data"][path] = file_hash(path);
  log_ = std::make_unique<ItemLog>(options.out, fingerprint, options.resume);
}

void LanguageRun::open_exports() {
  std::filesystem::create_directories(options_.export_folder);
  std::set<std::string> names;
  for (const std::string& path : options_.data.files) {
    const std::string name = dataset_name(path);
    if (!names.insert(name).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"exporting " + path, "a second data set named " + name, "a name each",
                   "score them one by one"});
    }
    exports_[path] = std::make_unique<AtomicFile>(options_.export_folder + "/" + name + ".jsonl");
  }
}

PairOptions LanguageRun::pairs() const {
  const int64_t most = loaded_.model->config().max_position_embeddings;
  return {options_.bos, options_.max_length > 0 ? options_.max_length : most};
}

std::vector<std::string> LanguageRun::systems() const {
  if (options_.model.edit.empty()) return {"model"};
  return {"model", "edit"};
}

json LanguageRun::provenance(const std::string& system) const {
  json about = loaded_.provenance(without_edit(options_.model));
  if (system == "edit" && !options_.model.edit.empty()) {
    about["edit"] = options_.model.edit;
    about["edit_hash"] = file_hash(options_.model.edit);
  }
  return about;
}

void LanguageRun::apply(const std::string& system) {
  loaded_.session->set_edit(system == "edit" ? RoutingEdit::load(options_.model.edit)
                                             : RoutingEdit());
}

Scores LanguageRun::score(const std::string& system, const std::string& path, size_t items,
                          const std::function<LanguageItem(size_t)>& item) {
  apply(system);
  PrefixScorer scorer(*loaded_.session, {options_.batch_tokens, !options_.plain});
  const Scores before = log_ ? logged_items(*log_, system, path) : Scores();
  Scores all;
  ProgressBar bar("items", {static_cast<int64_t>(before.size()),
                            static_cast<double>(before.size()) / static_cast<double>(items)});
  for (size_t begin = 0; begin < items; begin += kItemsAtOnce) {
    std::vector<LanguageItem> slice;
    std::vector<ScoreRequest> requests;
    std::vector<size_t> owners;
    for (size_t i = begin; i < std::min(begin + kItemsAtOnce, items); ++i) {
      slice.push_back(item(i));
      all.push_back(i < before.size() ? before[i] : std::vector<RequestScore>());
      if (i < before.size()) {
        check_logged(all.back().size(), slice.back().requests.size(), i);
        continue;
      }
      requests.insert(requests.end(), slice.back().requests.begin(), slice.back().requests.end());
      owners.insert(owners.end(), slice.back().requests.size(), i);
    }
    scorer.score(requests, [&](size_t r, const RequestScore& score) {
      const size_t i = owners[r];
      all[i].push_back(score);
      if (all[i].size() < slice[i - begin].requests.size()) return;
      if (log_) log_->append(item_line(system, path, i, all[i]));
      bar.update(static_cast<int64_t>(i + 1),
                 static_cast<double>(i + 1) / static_cast<double>(items));
    });
    export_items(system, path, slice, begin, all);
  }
  tokens_run_ += scorer.tokens_run();
  return all;
}

void LanguageRun::check_logged(size_t scores, size_t requests, size_t item) const {
  if (scores == requests) return;
  bad_file(options_.out + ".partial", fmt::format("{} scores of item {}", scores, item),
           fmt::format("{}", requests), "run without --resume to start over");
}

void LanguageRun::export_items(const std::string& system, const std::string& path,
                               const std::vector<LanguageItem>& items, size_t first,
                               const Scores& scores) {
  if (exports_.empty()) return;
  for (size_t i = 0; i < items.size(); ++i) {
    for (size_t c = 0; c < items[i].requests.size(); ++c) {
      const ScoreRequest& request = items[i].requests[c];
      const RequestScore& score = scores[first + i][c];
      const json line = {{"system", system},
                         {"doc_id", first + i},
                         {"idx", c},
                         {"context", items[i].contexts[c]},
                         {"continuation", items[i].continuations[c]},
                         {"tokens", request.ids.size() - request.first},
                         {"log_prob", score.log_prob},
                         {"is_greedy", score.greedy}};
      exports_.at(path)->write(line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
    }
  }
}

void LanguageRun::finish() {
  for (auto& [path, file] : exports_) file->commit();
  if (log_) log_->finish();
}

std::vector<EvalResult> before_and_after(
    const LanguageRun& run, const BootstrapOptions& options,
    const std::function<EvalResult(const std::string& system)>& result) {
  std::vector<EvalResult> results;
  for (const std::string& system : run.systems()) {
    results.push_back(result(system));
    results.back().system = system;
    results.back().provenance.update(run.provenance(system));
  }
  if (results.size() == 2) results.push_back(paired_result(results[0], results[1], options));
  return results;
}

}  // namespace expertoire::cli
