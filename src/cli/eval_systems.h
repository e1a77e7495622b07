// What turns the texts of an evaluation into vectors: kinds of embedding, and controls beside them.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "cli/embed_options.h"
#include "eval/paper_rules.h"
#include "eval/text_table.h"

namespace expertoire::cli {

struct SystemOptions {
  EmbedCliOptions embed;
  std::vector<std::string> kinds = {"hidden"};
  std::vector<double> alphas = {1.0};  ///< of sum
  bool controls = false;
  std::string cache;  ///< of vectors; "" = none
  bool paper_rules = false;

  void add_to(CLI::App& app);
};

/// "model", or a control: "random_weights", "token_mean", "tfidf".
struct System {
  std::string name;
  nlohmann::json about = nlohmann::json::object();  ///< kind, prompt, alpha, calibration
  nlohmann::json provenance = nlohmann::json::object();
};

/// Vectors of the texts; with --paper-rules, of kind sum its two parts.
using SystemVectors = std::variant<TextVectors, SumParts>;

/// Calls `use` for each kind (and alpha) of the model, then, with --controls, for the same kinds of
/// a model of the same shape with random weights, the mean of the model's token embeddings, and
/// TF-IDF. Every text goes through a model once.
void for_each_system(const SystemOptions& options, const std::vector<std::string>& texts,
                     const std::function<void(const System&, const SystemVectors&)>& use);

}  // namespace expertoire::cli
