// expertoire experts prune
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "analysis/even_sample.h"
#include "analysis/prune.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/corpus_options.h"
#include "cli/table.h"
#include "cli/text_scores.h"
#include "eval/compare.h"
#include "eval/perplexity.h"
#include "io/atomic_file.h"
#include "io/chart.h"
#include "io/folder_writer.h"
#include "routing/edit_comment.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

constexpr size_t kBytes = 8192;  // read of a document
constexpr const char* kReport = "prune.json";
constexpr const char* kPicture = "prune.svg";

struct Options {
  ModelOptions model{"olmoe-small"};
  CorpusOptions corpus;
  std::string hold_out = "7/10", out;
  std::vector<std::string> rules = {"frequency", "reap", "random"};
  std::vector<double> keep = {0.25, 0.5, 0.75};
  size_t documents = 400, held_out = 40;
  int seeds = 3, resamples = 1000;
  bool json = false;

  std::vector<std::string> sample(CorpusPart part, size_t most) const {
    CorpusOptions chosen = corpus;
    chosen.hold_out = parse_hold_out(hold_out);
    chosen.part = part;
    return even_sample(std::move(chosen), most, kBytes);
  }
};

std::map<int, std::vector<ExpertUse>> count_uses(const Options& options, LoadedModel& loaded,
                                                 const Tokenizer& tokenizer,
                                                 const std::vector<std::string>& texts) {
  const bool outputs = std::ranges::count(options.rules, "reap") > 0;
  ExpertUses uses(*loaded.session, outputs);
  const auto most =
      static_cast<size_t>(std::min<int64_t>(1024, loaded.model->config().max_position_embeddings));
  ProgressBar bar("documents");
  for (size_t i = 0; i < texts.size(); ++i) {
    interrupt_token().check("counting");
    std::vector<int32_t> ids = tokenizer.encode(texts[i]);
    ids.resize(std::min(ids.size(), most));
    const std::span<const int32_t> text = ids;
    if (!ids.empty()) loaded.session->forward_once({&text, 1}, &uses);
    bar.update(static_cast<int64_t>(i + 1),
               static_cast<double>(i + 1) / static_cast<double>(texts.size()));
  }
  return uses.layers();
}

std::vector<TextScore> score(LoadedModel& loaded, const Tokenizer& tokenizer,
                             const std::vector<std::string>& texts, const RoutingEdit& edit,
                             const std::string& name) {
  loaded.session->set_edit(edit);
  ProgressBar bar("documents");
  std::vector<TextScore> scores;
  for (const std::string& text : texts) {
    interrupt_token().check("scoring");
    scores.push_back(score_text(*loaded.session, tokenizer, text, {}));
    const auto done = static_cast<double>(scores.size());
    bar.update(static_cast<int64_t>(scores.size()), done / static_cast<double>(texts.size()), name);
  }
  return scores;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// A line for each rule, of random rankings their mean and what they span; its points are the shares
// and the whole model.
std::string picture(const json& report) {
  const double whole = report["model"]["perplexity"]["value"].get<double>();
  std::map<std::string, std::map<double, std::vector<double>>> seen;  // by rule and share
  for (const json& row : report["rows"]) {
    seen[row["by"].get<std::string>()][100 * row["share"].get<double>()].push_back(
        row["after"]["perplexity"]["value"].get<double>());
  }
  Chart chart{"Perplexity of held-out text", "experts kept (%)", {}, {}, {whole}};
  std::vector<std::string> names;
  for (auto& [name, shares] : seen) {
    shares[100] = {whole};
    ChartLine line{names.size(), {}, false};
    for (const auto& [share, values] : shares) {
      const auto [least, most] = std::ranges::minmax_element(values);
      line.points.push_back({share, mean_of(values), *least, *most});
      chart.show.push_back(*most);
    }
    chart.lines.push_back(std::move(line));
    names.push_back(name);
  }
  double top = 4;
  std::string content = svg_legend(names, kChartWidth, top);
  content += svg_chart(chart, 0, top + 8, "chart");
  return svg_document(content, kChartWidth, kChartHeight + top + 8,
                      "Perplexity against the share of experts kept");
}

class Pruning {
 public:
  explicit Pruning(const Options& options)
      : options_(options),
        bootstrap_{options.resamples, 0.95, 42},
        base_(options.model.edit.empty() ? RoutingEdit() : RoutingEdit::load(options.model.edit)),
        loaded_(options.model, true),
        tokenizer_(loaded_.tokenizer()),
        texts_(options.sample(CorpusPart::kTrain, options.documents)),
        held_out_(options.sample(CorpusPart::kHeldOut, options.held_out)) {}

  json report(const std::string& folder) {
    const auto uses = count_uses(options_, loaded_, tokenizer_, texts_);
    const EvalResult before = result(score(loaded_, tokenizer_, held_out_, base_, "model"));
    json report = {{"provenance", loaded_.provenance(options_.model)},
                   {"command", command_line()},
                   {"documents", texts_.size()},
                   {"documents_held_out", held_out_.size()},
                   {"experts", loaded_.model->config().num_experts},
                   {"model", score_values(before)},
                   {"rows", json::array()}};
    for (const std::string& name : options_.rules) {
      const auto rule = choose_enum<PruneRule>("--by", name, kPruneRuleNames);
      const bool random = rule == PruneRule::kRandom;
      for (int seed = 1; seed <= (random ? options_.seeds : 1); ++seed) {
        const ExpertRanking ranking = rank_experts(uses, rule, static_cast<uint32_t>(seed));
        for (const double share : options_.keep) {
          json row = {{"by", name}, {"keep", share}};
          if (random) row["seed"] = seed;
          add_row(ranking, before, folder, row);
          report["rows"].push_back(std::move(row));
        }
      }
    }
    return report;
  }

 private:
  EvalResult result(const std::vector<TextScore>& documents) const {
    return perplexity_result("held-out", documents, bootstrap_);
  }

  // Writes the edit and measures it.
  void add_row(const ExpertRanking& ranking, const EvalResult& before, const std::string& folder,
               json& row) {
    const ModelConfig& config = loaded_.model->config();
    const int kept = kept_experts(config, row["keep"].get<double>());
    const RoutingEdit edit = keep_first(ranking, kept, config);
    const std::string file =
        fmt::format("{}{}-{:g}.json", row["by"].get<std::string>(),
                    row.contains("seed") ? fmt::format("-{}", row["seed"].get<int>()) : "",
                    row["keep"].get<double>());
    write_file(folder + "/" + file,
               commented_edit(edit, fmt::format("the first {} experts of each layer by {}", kept,
                                                row["by"].get<std::string>())));
    const EvalResult after = result(score(loaded_, tokenizer_, held_out_, base_.then(edit), file));
    row.update({{"experts", kept},
                {"share", static_cast<double>(kept) / config.num_experts},
                {"edit", file},
                {"after", score_values(after)},
                {"change", score_values(paired_result(before, after, bootstrap_))}});
  }

  const Options& options_;
  const BootstrapOptions bootstrap_;
  const RoutingEdit base_;  // --edit
  LoadedModel loaded_;
  Tokenizer tokenizer_;
  std::vector<std::string> texts_, held_out_;
};

void print(const json& report, const std::string& out) {
  std::vector<std::vector<std::string>> rows = {
      {"by", "kept", "experts a layer", "perplexity", "change", "bits a byte", "change"}};
  const json& model = report["model"];
  rows.push_back({"(all)", "100 %", std::to_string(report["experts"].get<int>()),
                  shown_score(model["perplexity"], "{:.2f}"), "",
                  shown_score(model["bits_per_byte"], "{:.4f}"), ""});
  for (const json& row : report["rows"]) {
    rows.push_back({row["by"].get<std::string>() +
                        (row.contains("seed") ? fmt::format(" {}", row["seed"].get<int>()) : ""),
                    fmt::format("{:.0f} %", 100 * row["share"].get<double>()),
                    std::to_string(row["experts"].get<int>()),
                    shown_score(row["after"]["perplexity"], "{:.2f}"),
                    shown_score(row["change"]["perplexity"], "{:+.2f}"),
                    shown_score(row["after"]["bits_per_byte"], "{:.4f}"),
                    shown_score(row["change"]["bits_per_byte"], "{:+.4f}")});
  }
  print_table(rows);
  fmt::print("\n{}/{} has the curve; `expertoire edit apply` makes a smaller model of an edit\n",
             out, kPicture);
}

void check(const Options& options) {
  const auto refuse = [](const char* option, const char* expected) {
    throw Error(ErrorCode::kInvalidArgument,
                {std::string("reading ") + option, "one twice, or none", expected, ""});
  };
  const std::set<std::string> rules(options.rules.begin(), options.rules.end());
  const std::set<double> shares(options.keep.begin(), options.keep.end());
  for (const std::string& rule : rules) choose_enum<PruneRule>("--by", rule, kPruneRuleNames);
  if (rules.empty() || rules.size() != options.rules.size()) refuse("--by", "different rules");
  if (shares.empty() || shares.size() != options.keep.size()) refuse("--keep", "different shares");
}

void prune(const Options& options) {
  check(options);
  FolderWriter folder(options.out);
  const json report = Pruning(options).report(folder.temporary());
  write_file(folder.temporary() + "/" + kReport, report.dump(1) + "\n");
  write_file(folder.temporary() + "/" + kPicture, picture(report));
  folder.commit();
  options.json ? print_json(report) : print(report, options.out);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.add_option("--input", options->corpus.inputs,
                 "Corpus: .jsonl or .txt files, also .gz, or folders of them")
      ->required()
      ->expected(1, -1);
  app.add_option("--field", options->corpus.text_field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_option("--hold-out", options->hold_out,
                 "INDEX/EVERY: documents that perplexity is measured on; the others rank experts")
      ->capture_default_str();
  app.add_option("--by", options->rules,
                 "frequency: how often chosen; reap: mean router weight times norm of the expert's "
                 "output; random: the control")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--keep", options->keep, "Shares of each layer's experts to keep")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--documents", options->documents,
                 "Documents that rank experts, evenly from the files, 8 KB of each")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--held-out-documents", options->held_out, "Documents to measure on, likewise")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seeds", options->seeds, "Random rankings, each a row")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--resamples", options->resamples, "Bootstrap resamples behind the intervals")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--out", options->out, "New folder for edit files, prune.json and prune.svg")
      ->required();
  app.add_flag("--json", options->json, "prune.json on stdout too, instead of the table");
  return [options] { prune(*options); };
}

}  // namespace

extern const Command kExpertsPruneCommand = {
    "prune", "Fewer experts: by use, by REAP or at random, and what that costs", setup};

}  // namespace expertoire::cli
