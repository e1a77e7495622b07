// What `perplexity` and `eval perplexity` share: documents scored window by window, in a log from
// which an interrupted run goes on.
#pragma once

#include <string>
#include <vector>

#include "cli/common.h"
#include "eval/measure_log.h"
#include "eval/perplexity.h"

namespace expertoire::cli {

/// --context, --stride.
void add_window_options(CLI::App& app, WindowOptions& windows);

struct ScoringOptions {
  ModelOptions model{kExpertsModel};
  WindowOptions windows;
  std::string out;  ///< the log; "" = none
  bool resume = false;

  /// Model, --context, --stride, --out, --resume.
  void add_to(CLI::App& app);
};

class DocumentScorer {
 public:
  /// `about`: what the documents are, with the hashes of their files, so that a log goes on only
  /// with the same ones; it is asked for only with --out. Errors: those of MeasureLog.
  DocumentScorer(const ScoringOptions& options, LoadedModel& loaded,
                 const std::function<nlohmann::json()>& about);

  /// A document of `file` under the session's edit, which `system` names; what the log has of it is
  /// taken from there. `progress` is called in tokens of the document. Errors: those of
  /// score_text(); kCancelled.
  TextScore score(const std::string& system, const std::string& file, size_t document,
                  const std::string& text, const ProgressSink& progress);
  /// The log gets its name. Once, as the last call.
  void finish() { log_.finish(); }

 private:
  ScoredPart begun(const std::string& system, const std::string& file, size_t document) const;

  const ScoringOptions& options_;
  LoadedModel& loaded_;
  Tokenizer tokenizer_;
  MeasureLog log_;
};

/// The texts of a .jsonl or .json (each line by itself, `field` holds the text), or any other file
/// as one text; a bar shows each text's tokens. Errors: those of TextSource, read_text_file and
/// DocumentScorer::score.
std::vector<TextScore> score_file(DocumentScorer& scorer, const std::string& system,
                                  const std::string& path, const std::string& field);

}  // namespace expertoire::cli
