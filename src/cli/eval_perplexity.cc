// expertoire eval perplexity
#include "cli/eval_commands.h"
#include "cli/eval_options.h"
#include "cli/window_options.h"
#include "io/json.h"

namespace expertoire::cli {
namespace {

struct Options {
  EvalDataOptions data;
  ModelOptions model{kExpertsModel};
  WindowOptions windows;
};

struct Documents {
  std::string name;
  std::vector<std::string> texts;
  nlohmann::json left_out = nlohmann::json::object();
};

Documents read_documents(const Options& options, const std::string& path) {
  Documents documents{dataset_name(path), {}};
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

std::vector<TextScore> score(const Options& options, LoadedModel& loaded,
                             const Tokenizer& tokenizer, const Documents& documents) {
  std::vector<TextScore> scores;
  ProgressBar bar("documents");
  const double total = static_cast<double>(documents.texts.size());
  for (const std::string& text : documents.texts) {
    const double before = static_cast<double>(scores.size());
    const auto progress = [&](int64_t done, int64_t all) {
      interrupt_token().check("scoring");
      const double part = static_cast<double>(done) / static_cast<double>(all);
      bar.update(static_cast<int64_t>(scores.size()), (before + part) / total);
    };
    scores.push_back(score_text(*loaded.session, tokenizer, text, options.windows, progress));
  }
  return scores;
}

void append(std::vector<TextScore>& all, const std::vector<TextScore>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        loaded_(without_edit(options.model), true),
        tokenizer_(loaded_.tokenizer()) {
    if (!options.model.edit.empty()) edit_ = RoutingEdit::load(options.model.edit);
  }

  void add(const std::string& path) {
    const Documents documents = read_documents(options_, path);
    loaded_.session->set_edit(RoutingEdit());
    const auto before = score(options_, loaded_, tokenizer_, documents);
    std::vector<TextScore> after;
    if (edit_) {
      loaded_.session->set_edit(*edit_);
      after = score(options_, loaded_, tokenizer_, documents);
    }
    report(documents.name, before, after, documents.left_out);
    append(before_, before);
    append(after_, after);
  }

  std::vector<EvalResult> finish() {
    if (options_.data.files.size() > 1) report("total", before_, after_, {});
    return std::move(results_);
  }

 private:
  static ModelOptions without_edit(ModelOptions model) {
    model.edit.clear();
    return model;
  }

  void report(const std::string& name, const std::vector<TextScore>& before,
              const std::vector<TextScore>& after, const nlohmann::json& left_out) {
    const BootstrapOptions bootstrap = options_.data.bootstrap();
    put(perplexity_result(name, before, bootstrap), left_out, "model");
    if (!edit_) return;
    put(perplexity_result(name, after, bootstrap), left_out, "edit");
    put(perplexity_difference(name, before, after, bootstrap), left_out, "edit - model");
  }

  void put(EvalResult result, const nlohmann::json& left_out, const std::string& system) {
    result.system = system;
    if (left_out.is_object()) result.details.update(left_out);
    if (!options_.data.items) result.items = nlohmann::json::object();
    result.provenance = options_.data.provenance();
    result.provenance.update(nlohmann::json(loaded_.provenance(without_edit(options_.model))));
    if (edit_ && system != "model") {
      result.provenance["edit"] = options_.model.edit;
      result.provenance["edit_hash"] = file_hash(options_.model.edit);
    }
    results_.push_back(std::move(result));
  }

  const Options& options_;
  LoadedModel loaded_;
  Tokenizer tokenizer_;
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
  options->model.add_to(app);
  add_window_options(app, options->windows);
  return [options] { perplexity(*options); };
}

}  // namespace

extern const Command kEvalPerplexityCommand = {
    "perplexity", "Bits a byte of documents, per file and in all, before and after an edit", setup};

}  // namespace expertoire::cli
