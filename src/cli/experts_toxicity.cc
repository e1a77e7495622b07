// expertoire experts toxicity
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "analysis/toxicity.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/corpus_options.h"
#include "cli/progress_on.h"
#include "cli/table.h"
#include "cli/toxicity_study.h"
#include "io/atomic_file.h"
#include "io/folder_writer.h"
#include "io/refuse.h"
#include "routing/edit_comment.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

constexpr size_t kTopTokens = 8;
constexpr uint32_t kShuffleSeed = 42;

struct Options {
  ModelOptions model{kExpertsModel};
  std::string data, hold_out = "4/5", out;
  std::vector<double> thresholds = {0.2, 0.1, 0.05};
  int seeds = 3;
  size_t top = 20;
  bool json = false;
};

// What was found, with all that the files and the tables need.
struct Found {
  ToxicityCorrelation correlation;
  ExpertMasses masses;
  std::vector<int64_t> best;
  std::map<int64_t, std::vector<TokenUse>> tokens;
};

Found find(const Options& options, LoadedModel& loaded, const std::vector<ValuedTokens>& texts) {
  ProgressBar first("texts");
  Found found{
      correlate_toxicity(*loaded.session, texts, progress_on(first, "reading texts")), {}, {}, {}};
  const UnitTable& units = found.correlation.units;
  found.masses = masses_of(units, found.correlation.toxicity);
  found.best = most_correlated(units, found.correlation.toxicity, options.top);
  if (found.best.empty()) return found;
  ProgressBar second("texts");
  found.tokens = top_tokens(*loaded.session, units, texts, found.best, kTopTokens,
                            progress_on(second, "reading texts"));
  return found;
}

// A mask's file and what it takes.
json write_mask(const ExpertMask& mask, const Found& found, const ModelConfig& config,
                const std::string& path, const std::string& why) {
  write_file(path, commented_edit(edit_of(mask, config), why));
  json layers = json::array();
  for (const auto& [layer, experts] : mask) {
    layers.push_back({{"layer", layer}, {"experts", experts.size()}});
  }
  return {{"edit", std::filesystem::path(path).filename().string()},
          {"experts", size_of(mask)},
          {"mass", mass_share(mask, found.masses)},
          {"by_layer", layers}};
}

json write_threshold(double threshold, const Options& options, const Found& found,
                     const ModelConfig& config, const std::string& folder) {
  const UnitTable& units = found.correlation.units;
  const ExpertMask mask = experts_above(units, found.correlation.toxicity, threshold);
  const std::string name = fmt::format("threshold-{:g}", threshold);
  const std::string why = fmt::format("experts that correlate with toxicity above {:g}", threshold);
  json row = write_mask(mask, found, config, fmt::format("{}/{}.json", folder, name), why);
  row["threshold"] = threshold;
  row["by_chance"] = size_of(experts_above(units, found.correlation.shuffled, threshold));
  row["controls"] = json::array();
  for (int seed = 1; !mask.empty() && seed <= options.seeds; ++seed) {
    for (const char* kind : {"number", "mass"}) {
      const auto random =
          kind == std::string_view("number") ? random_of_same_number : random_of_same_mass;
      json control = write_mask(random(mask, found.masses, static_cast<uint32_t>(seed)), found,
                                config, fmt::format("{}/{}.{}-{}.json", folder, name, kind, seed),
                                fmt::format("random experts of the same {} as the {}", kind, why));
      control.update({{"kind", kind}, {"seed", seed}});
      row["controls"].push_back(std::move(control));
    }
  }
  return row;
}

json experts_as_json(const Found& found, const Tokenizer& tokenizer) {
  json experts = json::array();
  for (const int64_t number : found.best) {
    const UnitTable& units = found.correlation.units;
    const UnitCorrelation& toxicity = found.correlation.toxicity;
    json tokens = json::array();
    for (const TokenUse& use : found.tokens.at(number)) {
      tokens.push_back({{"token", use.token},
                        {"text", tokenizer.decode(std::span(&use.token, 1))},
                        {"count", use.count},
                        {"mass", use.mass}});
    }
    experts.push_back({{"expert", units.name(units.unit(number))},
                       {"pearson", toxicity.pearson(number)},
                       {"tokens", toxicity.count(number)},
                       {"mass", toxicity.mass(number)},
                       {"top_tokens", std::move(tokens)}});
  }
  return experts;
}

json study_of(const Options& options, const LoadedModel& loaded, const ScoredTexts& texts,
              const Found& found) {
  json layers = json::array();
  for (const IndexedLayer& layer : found.correlation.units.layers()) {
    layers.push_back({{"layer", layer.layer}, {"experts", layer.experts}});
  }
  return {{"format", kToxicityFormat},
          {"version", kToxicityVersion},
          {"provenance", loaded.provenance(options.model)},
          {"command", command_line()},
          {"data", options.data},
          {"data_hash", file_hash(options.data)},
          {"hold_out", options.hold_out},
          {"texts", texts.train.size()},
          {"texts_held_out", texts.held_out.size()},
          {"texts_without_score", texts.without_score},
          {"tokens", found.correlation.toxicity.tokens()},
          {"layers", layers}};
}

void print(const json& study) {
  int64_t experts = 0;
  for (const json& layer : study["layers"]) experts += layer["experts"].get<int64_t>();
  fmt::print("{} texts, {} tokens; {} experts in {} layers\n\n", study["texts"].get<int64_t>(),
             study["tokens"].get<int64_t>(), experts, study["layers"].size());
  std::vector<std::vector<std::string>> rows = {
      {"threshold", "experts", "of all", "of the mass", "by chance", "by layer"}};
  for (const json& row : study["thresholds"]) {
    std::string layers;
    for (const json& layer : row["by_layer"]) {
      layers += fmt::format("{}{}: {}", layers.empty() ? "" : ", ", layer["layer"].get<int>(),
                            layer["experts"].get<int64_t>());
    }
    const auto count = row["experts"].get<int64_t>();
    rows.push_back(
        {fmt::format("{:g}", row["threshold"].get<double>()), std::to_string(count),
         fmt::format("{:.3f} %", 100.0 * static_cast<double>(count) / static_cast<double>(experts)),
         fmt::format("{:.2f} %", 100 * row["mass"].get<double>()),
         std::to_string(row["by_chance"].get<int64_t>()), layers});
  }
  print_table(rows);
  fmt::print("\n");
  rows = {{"expert", "r", "tokens", "mass", "top tokens"}};
  for (const json& row : study["experts"]) {
    std::string tokens;
    for (const json& token : row["top_tokens"]) {
      tokens += in_quotes(token["text"].get<std::string>()) + " ";
    }
    rows.push_back({row["expert"].get<std::string>(),
                    fmt::format("{:.3f}", row["pearson"].get<double>()),
                    std::to_string(row["tokens"].get<int64_t>()),
                    fmt::format("{:.2f}", row["mass"].get<double>()), tokens});
  }
  print_table(rows);
}

void check(const Options& options) {
  const std::set<double> different(options.thresholds.begin(), options.thresholds.end());
  if (different.size() == options.thresholds.size() && !different.empty()) return;
  throw Error(ErrorCode::kInvalidArgument,
              {"reading --thresholds", "one twice, or none", "different ones", ""});
}

void toxicity(const Options& options) {
  check(options);
  FolderWriter folder(options.out);
  const ScoredTexts texts = read_scored_texts(options.data, parse_hold_out(options.hold_out));
  LoadedModel loaded(options.model, false);
  const Tokenizer tokenizer = loaded.tokenizer();
  const ModelConfig& config = loaded.model->config();
  const Found found =
      find(options, loaded,
           value_tokens(tokenizer, texts.train, config.max_position_embeddings, kShuffleSeed));
  json study = study_of(options, loaded, texts, found);
  study["thresholds"] = json::array();
  for (const double threshold : options.thresholds) {
    study["thresholds"].push_back(
        write_threshold(threshold, options, found, config, folder.temporary()));
  }
  study["experts"] = experts_as_json(found, tokenizer);
  write_file(folder.temporary() + "/" + kToxicityFile,
             study.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
  folder.commit();
  options.json ? print_json(study) : print(study);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.add_option("--data", options->data,
                 "Texts with toxicity, as RealToxicityPrompts or ToxiGen (docs/toxicity.md)")
      ->required();
  app.add_option("--thresholds", options->thresholds,
                 "Experts with a correlation above each become an edit file")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--hold-out", options->hold_out,
                 "INDEX/EVERY: rows that toxicity-eval will measure on")
      ->capture_default_str();
  app.add_option("--seeds", options->seeds, "Random controls of each kind for a threshold")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--top", options->top, "Most correlated experts that are listed")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  app.add_option("--out", options->out, "New folder for edit files and toxicity.json")->required();
  app.add_flag("--json", options->json, "toxicity.json on stdout too, instead of tables");
  return [options] { toxicity(*options); };
}

}  // namespace

extern const Command kExpertsToxicityCommand = {
    "toxicity", "Which experts fire on toxic text, and edits without them", setup};

}  // namespace expertoire::cli
