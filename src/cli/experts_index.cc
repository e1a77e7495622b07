// expertoire experts index
#include <fmt/format.h>

#include <ctime>
#include <filesystem>

#include "analysis/expert_index.h"
#include "analysis/index_writer.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/corpus_options.h"

namespace expertoire::cli {
namespace {

struct Options {
  ModelOptions model{kExpertsModel};
  CorpusFlags corpus;
  IndexOptions index;
  std::string out;
  bool resume = false, json = false;
};

std::string now() {
  const std::time_t time = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

// What must be the same when an index is resumed.
std::map<std::string, std::string> provenance(const Options& options, const Corpus& corpus,
                                              const LoadedModel& loaded) {
  std::map<std::string, std::string> all = loaded.provenance(options.model);
  all.erase("threads");
  const CorpusOptions chosen = options.corpus.options();
  std::string files, hashes;
  for (const std::string& file : corpus.files()) {
    files += std::filesystem::path(file).filename().string() + " ";
    hashes += file_hash(file);
  }
  all["corpus"] = files;
  all["corpus_hash"] = content_hash(hashes);
  all["corpus_options"] =
      fmt::format("text {} label {} name {} held out {}/{} part {}", chosen.text_field,
                  chosen.label_field, chosen.name_field, chosen.hold_out.index,
                  chosen.hold_out.every, kCorpusPartNames[static_cast<int>(chosen.part)]);
  return all;
}

void report(const Options& options) {
  const ExpertIndex index(options.out);
  const IndexInfo& info = index.info();
  const auto used = static_cast<int64_t>(index.summaries().size());
  if (options.json) {
    print_json({{"index", options.out},
                {"documents", info.documents},
                {"tokens", info.tokens},
                {"labels", info.labels},
                {"units_used", used},
                {"units", index.units().size()},
                {"provenance", info.provenance}});
    return;
  }
  fmt::print("{}: {} documents, {} tokens, {} labels; {} of {} experts and keys were used\n",
             options.out, info.documents, info.tokens, info.labels.size(), used,
             index.units().size());
  for (size_t i = 0; i < info.layer_mass.size(); ++i) {
    if (info.layer_dropped[i] == 0) continue;
    fmt::print(
        "layer {}: joint experts with a score of {} or less hold {:.1f} % of the mass and "
        "are not counted\n",
        index.units().layers()[i].layer, info.threshold,
        100 * info.layer_dropped[i] / info.layer_mass[i]);
  }
}

void make_index(const Options& options) {
  Corpus corpus(options.corpus.options());
  LoadedModel loaded(options.model, false);
  const Tokenizer tokenizer = loaded.tokenizer();
  IndexWriter writer(options.out, *loaded.session, tokenizer, options.index,
                     provenance(options, corpus, loaded), options.resume);
  for (int64_t skipped = 0; skipped < writer.documents() && corpus.next(); ++skipped) {
  }
  ProgressBar bar("tokens", {writer.tokens(), corpus.fraction()});
  try {
    while (const std::optional<LabelledText> text = corpus.next()) {
      interrupt_token().check("indexing");
      writer.add(*text);
      bar.update(writer.tokens(), corpus.fraction());
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) writer.checkpoint();
    throw;
  }
  writer.finish({{"command", command_line()}, {"finished", now()}});
}

void index(const Options& options) {
  make_index(options);
  report(options);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  options->corpus.add_to(app);
  IndexOptions& index_options = options->index;
  app.add_option("--out", options->out, "The index: one SQLite file")->required();
  app.add_flag("--resume", options->resume, "Go on with an unfinished OUT.part");
  app.add_option("--threshold", index_options.threshold,
                 "Joint experts with a score at or below this are not counted")
      ->capture_default_str();
  app.add_option("--support", index_options.support,
                 "Mass that a unit needs in a document to be stored with it (default: 0.1 for "
                 "factored routing, else 0)");
  app.add_option("--contexts", index_options.contexts, "Top contexts kept of a unit")
      ->capture_default_str();
  app.add_option("--contexts-per-document", index_options.contexts_per_document,
                 "Of these, at most from one document")
      ->capture_default_str();
  app.add_option("--tokens-per-unit", index_options.tokens_per_unit,
                 "Top tokens kept of a unit (default: 12 for factored routing, else 64)");
  app.add_option("--window", index_options.window, "Tokens that the model reads at once")
      ->capture_default_str();
  app.add_option("--max-tokens", index_options.max_tokens, "Tokens read of a document, 0 = all")
      ->capture_default_str();
  app.add_option("--checkpoint-seconds", index_options.checkpoint_seconds,
                 "Work that a stop may cost; checkpoints take 5 % of the time at most")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--json", options->json, "One JSON object on stdout");
  return [options] { index(*options); };
}

}  // namespace

extern const Command kExpertsIndexCommand = {
    "index", "Which experts serve what in a corpus, as one SQLite file", setup};

}  // namespace expertoire::cli
