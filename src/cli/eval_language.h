// What the tasks of `expertoire eval` that score continuations share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/eval_options.h"
#include "engine/prefix_scorer.h"
#include "eval/encode_pair.h"
#include "eval/item_log.h"
#include "io/atomic_file.h"

namespace expertoire::cli {

struct LanguageOptions {
  EvalDataOptions data;
  ModelOptions model{kExpertsModel};
  int64_t batch_tokens = 2048, max_length = 0;
  bool bos = false, plain = false, resume = false;
  std::string out, export_folder;

  void add_to(CLI::App& app, const std::vector<std::string>& fields);
};

/// A question on its way to the model: each request with its texts.
struct LanguageItem {
  std::vector<std::string> contexts, continuations;
  std::vector<ScoreRequest> requests;
};

/// The model, before and (with --edit) after the edit.
class LanguageRun {
 public:
  /// `about`: what sets this run apart from others of the same model and data.
  LanguageRun(const LanguageOptions& options, const nlohmann::json& about);

  const Tokenizer& tokenizer() const { return tokenizer_; }
  PairOptions pairs() const;
  /// "model", and "edit".
  std::vector<std::string> systems() const;
  /// The scores of every item's requests under a system, those of a resumed run from its file.
  std::vector<std::vector<RequestScore>> score(const std::string& system, const std::string& path,
                                               size_t items,
                                               const std::function<LanguageItem(size_t)>& item);
  nlohmann::json provenance(const std::string& system) const;
  int64_t tokens_run() const { return tokens_run_; }
  /// The files that this run wrote get their names.
  void finish();

 private:
  void open_exports();
  void apply(const std::string& system);
  /// Refuses a log whose item has more or fewer scores than it has requests.
  void check_logged(size_t scores, size_t requests, size_t item) const;
  void export_items(const std::string& system, const std::string& path,
                    const std::vector<LanguageItem>& items, size_t first,
                    const std::vector<std::vector<RequestScore>>& scores);

  const LanguageOptions& options_;
  LoadedModel loaded_;
  Tokenizer tokenizer_;
  std::unique_ptr<ItemLog> log_;
  std::map<std::string, std::unique_ptr<AtomicFile>> exports_;  // by path of the data
  int64_t tokens_run_ = 0;
};

/// `result(system)` for each system, and the paired difference where there are two.
std::vector<EvalResult> before_and_after(
    const LanguageRun& run, const BootstrapOptions& options,
    const std::function<EvalResult(const std::string& system)>& result);

}  // namespace expertoire::cli
