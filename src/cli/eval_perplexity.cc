// expertoire eval perplexity
#include "cli/document_scorer.h"
#include "cli/eval_commands.h"
#include "cli/eval_options.h"
#include "eval/compare.h"
#include "io/json.h"

namespace expertoire::cli {
namespace {

struct Options {
  EvalDataOptions data;
  ScoringOptions scoring;
};

struct Documents {
  std::string path;
  std::vector<std::string> texts;
  nlohmann::json left_out = nlohmann::json::object();
};

Documents read_documents(const Options& options, const std::string& path) {
  Documents documents{path, {}};
  const std::string plain = path.ends_with(".gz") ? path.substr(0, path.size() - 3) : path;
  if (!plain.ends_with(".jsonl") && !plain.ends_with(".json")) {
    documents.texts.push_back(read_text_file(path));
    return documents;
  }
  documents.left_out = read_rows(path, options.data.rows(), [&](const DataRow& row) {
                         documents.texts.push_back(row.text("text"));
                       }).left_out();
  return documents;
}

void append(std::vector<TextScore>& all, const std::vector<TextScore>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        provenance_(options.data.provenance()),
        loaded_(without_edit(options.scoring.model), true),
        scorer_(options.scoring, loaded_, [&] { return about(options); }) {
    const std::string& edit = options.scoring.model.edit;
    if (!edit.empty()) edit_ = RoutingEdit::load(edit);
  }

  void add(const std::string& path) {
    const Documents documents = read_documents(options_, path);
    loaded_.session->set_edit(RoutingEdit());
    const auto before = score("model", documents);
    std::vector<TextScore> after;
    if (edit_) {
      loaded_.session->set_edit(*edit_);
      after = score("edit", documents);
    }
    report(dataset_name(path), before, after, documents.left_out);
    append(before_, before);
    append(after_, after);
  }

  std::vector<EvalResult> finish() {
    if (options_.data.files.size() > 1) report("total", before_, after_, {});
    scorer_.finish();
    return std::move(results_);
  }

 private:
  static ModelOptions without_edit(ModelOptions model) {
    model.edit.clear();
    return model;
  }

  static nlohmann::json about(const Options& options) {
    nlohmann::json about = {{"fields", options.data.rows().names},
                            {"skip_bad_rows", options.data.skip_bad_rows}};
    for (const std::string& path : options.data.files) about["data"][path] = file_hash(path);
    return about;
  }

  std::vector<TextScore> score(const std::string& system, const Documents& documents) {
    std::vector<TextScore> scores;
    ProgressBar bar("documents");
    const auto total = static_cast<double>(documents.texts.size());
    for (const std::string& text : documents.texts) {
      const size_t document = scores.size();
      const auto progress = [&](int64_t done, int64_t all) {
        const double part = static_cast<double>(done) / static_cast<double>(all);
        bar.update(static_cast<int64_t>(document), (static_cast<double>(document) + part) / total);
      };
      scores.push_back(scorer_.score(system, documents.path, document, text, progress));
    }
    return scores;
  }

  void report(const std::string& name, const std::vector<TextScore>& before,
              const std::vector<TextScore>& after, const nlohmann::json& left_out) {
    const BootstrapOptions bootstrap = options_.data.bootstrap();
    const EvalResult model = perplexity_result(name, before, bootstrap);
    put(model, left_out, "model");
    if (!edit_) return;
    const EvalResult edited = perplexity_result(name, after, bootstrap);
    put(edited, left_out, "edit");
    put(paired_result(model, edited, bootstrap), left_out, "edit - model");
  }

  void put(EvalResult result, const nlohmann::json& left_out, const std::string& system) {
    result.system = system;
    if (left_out.is_object()) result.details.update(left_out);
    if (!options_.data.items) result.items = nlohmann::json::object();
    const ModelOptions& model = options_.scoring.model;
    result.provenance = provenance_;
    result.provenance.update(nlohmann::json(loaded_.provenance(without_edit(model))));
    if (edit_ && system != "model") {
      result.provenance["edit"] = model.edit;
      result.provenance["edit_hash"] = file_hash(model.edit);
    }
    results_.push_back(std::move(result));
  }

  const Options& options_;
  const nlohmann::json provenance_;
  LoadedModel loaded_;
  DocumentScorer scorer_;
  std::optional<RoutingEdit> edit_;
  std::vector<TextScore> before_, after_;
  std::vector<EvalResult> results_;
};

void perplexity(const Options& options) {
  Run run(options);
  for (const std::string& file : options.data.files) run.add(file);
  options.data.publish(run.finish());
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->data.add_to(app, {"text"});
  options->scoring.add_to(app);
  return [options] { perplexity(*options); };
}

}  // namespace

extern const Command kEvalPerplexityCommand = {
    "perplexity", "Bits a byte of documents, per file and in all, before and after an edit", setup};

}  // namespace expertoire::cli
