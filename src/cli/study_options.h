// What the studies of `expertoire eval study` share: pairs with scores, vectors, output.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/eval_options.h"
#include "cli/eval_systems.h"
#include "eval/pictures.h"
#include "eval/sts.h"

namespace expertoire::cli {

struct StudyOptions {
  EvalDataOptions data;
  SystemOptions systems;
  std::string picture;  ///< an .svg file; "" = none

  /// --data with the fields of pairs, model, calibration, controls, cache, --picture.
  void add_to(CLI::App& app);
  /// A pass for each of `prompts`.
  void set_prompts(const std::vector<std::string>& prompts);
};

/// The nine prompts over which the MoEE paper looks: prompteol and its eight others.
std::vector<std::string> paper_prompts();

/// The pairs of every file, and their texts.
struct StudyData {
  TextTable texts;
  std::vector<StsPairs> sets;
  nlohmann::json provenance;

  /// Errors: kBadFile; those of check_writable, before the work, of what will be written.
  explicit StudyData(const StudyOptions& options);
};

/// What a study found.
struct StudyOutput {
  std::vector<EvalResult> results;  ///< JSON and the page have them all
  std::vector<EvalResult> shown;    ///< rows of the table for people; empty: the results
  std::vector<std::pair<std::string, Picture>> pictures;  ///< each with its title
};

/// for_each_system() without the controls that have no parts.
void for_each_part(const StudyOptions& options, const StudyData& data,
                   const std::function<void(const System&, const TextVectors&)>& use);

/// A result gets the system's name and details and all provenance.
void complete(EvalResult& result, const System& system, const StudyData& data);

/// A row of a picture for every finite score of every result, with its interval.
std::vector<PictureRow> score_rows(const std::vector<EvalResult>& results);

/// Prints, and writes --report, --results and --picture. Items stay only with --items.
void publish(const StudyOptions& options, StudyOutput output);

}  // namespace expertoire::cli
