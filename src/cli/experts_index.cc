// expertoire experts index
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "analysis/continuations.h"
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
  ContinuationOptions continued;
  size_t prompt_tokens = 32;
  std::string out;
  bool resume = false, json = false;

  Options() {
    continued.count = 1;
    continued.max_tokens = 0;
    continued.sampler.temperature = 1;
  }
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
  if (options.continued.max_tokens > 0) {
    all["continued"] = fmt::format("{} tokens after {} temperature {} top-p {} seed {}",
                                   options.continued.max_tokens, options.prompt_tokens,
                                   options.continued.sampler.temperature,
                                   options.continued.sampler.top_p, options.continued.sampler.seed);
  }
  return all;
}

// A document's beginning, and what the model writes after it. The document's number chooses the
// random numbers.
std::vector<int32_t> continued(const Options& options, LoadedModel& loaded,
                               const Tokenizer& tokenizer, const std::string& text,
                               int64_t document) {
  std::vector<int32_t> ids = tokenizer.encode(text);
  ids.resize(std::min(ids.size(), options.prompt_tokens));
  if (ids.empty()) return ids;
  ContinuationOptions chosen = options.continued;
  chosen.stop_ids = loaded.model->config().eos_token_ids;
  const auto more =
      sample_continuations(*loaded.session, ids, static_cast<uint64_t>(document), chosen);
  ids.insert(ids.end(), more.front().begin(), more.front().end());
  return ids;
}

// What the model wrote must be read in one piece, or it would route otherwise, and whole.
void check_continued(const Options& options) {
  const IndexOptions& index = options.index;
  const int64_t longest =
      options.continued.max_tokens + static_cast<int64_t>(options.prompt_tokens);
  if (options.continued.max_tokens == 0) return;
  for (const auto& [name, most] :
       {std::pair("--window", index.window), std::pair("--max-tokens", index.max_tokens)}) {
    if (longest <= most || most == 0) continue;
    throw Error(ErrorCode::kInvalidArgument,
                {"reading --continue", fmt::format("{} tokens with their prompt", longest),
                 fmt::format("at most {}, the {}", most, name), ""});
  }
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
  check_continued(options);
  const bool continues = options.continued.max_tokens > 0;
  Corpus corpus(options.corpus.options());
  LoadedModel loaded(options.model, continues);
  const Tokenizer tokenizer = loaded.tokenizer();
  IndexWriter writer(options.out, *loaded.session, tokenizer, options.index,
                     provenance(options, corpus, loaded), options.resume);
  for (int64_t skipped = 0; skipped < writer.documents() && corpus.next(); ++skipped) {
  }
  ProgressBar bar("tokens", {writer.tokens(), corpus.fraction()});
  try {
    while (const std::optional<LabelledText> text = corpus.next()) {
      interrupt_token().check("indexing");
      if (continues) {
        writer.add(*text, continued(options, loaded, tokenizer, text->text, writer.documents()));
      } else {
        writer.add(*text);
      }
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

void add_continue_options(CLI::App& app, Options& options) {
  ContinuationOptions& continued = options.continued;
  auto* tokens = app.add_option("--continue", continued.max_tokens,
                                "Index what the model writes: so many tokens after each "
                                "document's beginning; 0 = read the documents")
                     ->check(CLI::Range(0, 1 << 20))
                     ->capture_default_str();
  app.add_option("--prompt-tokens", options.prompt_tokens, "Tokens of that beginning")
      ->check(CLI::Range(1, 1 << 20))
      ->needs(tokens)
      ->capture_default_str();
  app.add_option("--temperature", continued.sampler.temperature, "Of --continue; 0 = greedy")
      ->check(CLI::NonNegativeNumber)
      ->needs(tokens)
      ->capture_default_str();
  app.add_option("--top-p", continued.sampler.top_p, "Of --continue; 1 = all")
      ->needs(tokens)
      ->capture_default_str();
  app.add_option("--seed", continued.sampler.seed, "Of --continue")
      ->needs(tokens)
      ->capture_default_str();
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
  add_continue_options(app, *options);
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
