// expertoire eval code
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "analysis/continuations.h"
#include "base/error.h"
#include "cli/common.h"
#include "cli/eval_commands.h"
#include "eval/code_problems.h"
#include "io/atomic_file.h"
#include "io/gzip.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kAbout = "about.txt";  // MultiPL-E reads only .json and .json.gz
constexpr int kAtOnce = 20;                  // completions side by side

struct Options {
  ModelOptions model{kExpertsModel};
  std::string data, out, language;
  std::vector<std::string> stop;
  CodeSettings settings;
  int samples = 20;
  size_t limit = 0;
  uint64_t seed = 42;
  bool resume = false, json = false;
};

// What a run that is resumed must have alike.
std::string about(const Options& options, const LoadedModel& loaded) {
  json all = loaded.provenance(options.model);
  all.erase("threads");
  all.update({{"data", file_hash(options.data)},
              {"temperature", options.settings.temperature},
              {"top_p", options.settings.top_p},
              {"max_tokens", options.settings.max_tokens},
              {"samples", options.samples},
              {"stop", options.stop},
              {"language", options.language},
              {"seed", options.seed}});
  return all.dump(1) + "\n";
}

void open_folder(const Options& options, const std::string& about) {
  const std::string path = options.out + "/" + kAbout;
  if (!fs::exists(options.out)) {
    std::error_code failed;
    fs::create_directories(options.out, failed);
    if (failed) system_error("making the folder " + options.out, failed.value());
    write_file(path, about);
    return;
  }
  if (!options.resume) {
    throw Error(ErrorCode::kInvalidArgument, {"writing " + options.out, "a folder that exists",
                                              "a new one, or --resume to go on with it", ""});
  }
  if (!fs::exists(path) || read_text_file(path) != about) {
    throw Error(ErrorCode::kInvalidArgument,
                {"resuming " + options.out, "completions of another model or other options",
                 "the same command", "see " + path});
  }
}

class Completer {
 public:
  Completer(const Options& options, LoadedModel& loaded)
      : options_(options), loaded_(loaded), tokenizer_(loaded.tokenizer()) {}

  std::vector<std::string> complete(const CodeProblem& problem, size_t number) const {
    const std::vector<int32_t> prompt = tokenizer_.encode(problem.prompt);
    if (prompt.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"completing " + problem.name, "an empty prompt", "a text", ""});
    }
    std::vector<std::string> all;
    for (int first = 0; first < options_.samples; first += kAtOnce) {
      ContinuationOptions continuations = continuations_for(problem);
      continuations.count = std::min(kAtOnce, options_.samples - first);
      const uint64_t stream = (uint64_t{number} << 32) + static_cast<uint64_t>(first);
      for (const std::vector<int32_t>& ids :
           sample_continuations(*loaded_.session, prompt, stream, continuations)) {
        all.push_back(cut_at_stop(tokenizer_.decode(ids, true), problem.stop));
      }
    }
    return all;
  }

 private:
  // A stop text lies in the last tokens when its last one comes: each has a byte or more.
  ContinuationOptions continuations_for(const CodeProblem& problem) const {
    ContinuationOptions continuations;
    continuations.max_tokens = options_.settings.max_tokens;
    continuations.stop_ids = loaded_.model->config().eos_token_ids;
    continuations.sampler = {.temperature = options_.settings.temperature,
                             .top_k = 0,
                             .top_p = options_.settings.top_p,
                             .seed = options_.seed};
    if (problem.stop.empty()) return continuations;
    size_t longest = 0;
    for (const std::string& stop : problem.stop) longest = std::max(longest, stop.size());
    continuations.ended = [this, &problem, longest](std::span<const int32_t> ids) {
      const std::string end = tokenizer_.decode(ids.last(std::min(ids.size(), longest)), true);
      return cut_at_stop(end, problem.stop).size() < end.size();
    };
    return continuations;
  }

  const Options& options_;
  LoadedModel& loaded_;
  Tokenizer tokenizer_;
};

void code(const Options& options) {
  std::vector<CodeProblem> problems = read_code_problems(options.data, options.language);
  if (options.limit > 0) problems.resize(std::min(problems.size(), options.limit));
  for (CodeProblem& problem : problems) {
    problem.stop.insert(problem.stop.end(), options.stop.begin(), options.stop.end());
  }
  LoadedModel loaded(options.model, true);
  open_folder(options, about(options, loaded));
  const Completer completer(options, loaded);
  ProgressBar bar("problems");
  size_t written = 0;
  for (size_t i = 0; i < problems.size(); ++i) {
    interrupt_token().check("completing programs");
    const std::string path = fmt::format("{}/{}.json.gz", options.out, problems[i].name);
    if (!fs::exists(path)) {
      const json form =
          completed_problem(problems[i], options.settings, completer.complete(problems[i], i));
      write_file(path, gzip(form.dump(-1, ' ', false, json::error_handler_t::replace)));
      ++written;
    }
    bar.update(static_cast<int64_t>(i + 1),
               static_cast<double>(i + 1) / static_cast<double>(problems.size()));
  }
  if (options.json) {
    print_json({{"out", options.out},
                {"problems", problems.size()},
                {"written", written},
                {"samples", options.samples},
                {"provenance", loaded.provenance(options.model)}});
  } else {
    fmt::print("{}: {} problems ({} of them now), {} completions each\n", options.out,
               problems.size(), written, options.samples);
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.add_option("--data", options->data, "Problems: MultiPL-E's .jsonl, also .gz")->required();
  app.add_option("--out", options->out, "New folder for NAME.json.gz, one a problem")->required();
  app.add_option("--samples", options->samples, "Completions of a problem")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--temperature", options->settings.temperature, "0 = greedy")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--top-p", options->settings.top_p, "1 = all")->capture_default_str();
  app.add_option("--max-tokens", options->settings.max_tokens, "Most tokens of a completion")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_repeatable(app, "--stop", options->stop, "Text that ends a completion, beside the problem's");
  app.add_option("--language", options->language,
                 "Of rows that name none, as MultiPL-E calls it (py, lua, …)");
  app.add_option("--limit", options->limit, "Only the first problems; 0 = all")
      ->capture_default_str();
  app.add_option("--seed", options->seed, "Of the draws")->capture_default_str();
  app.add_flag("--resume", options->resume, "Go on in a folder that this command began");
  app.add_flag("--json", options->json, "One JSON object on stdout");
  return [options] { code(*options); };
}

}  // namespace

extern const Command kEvalCodeCommand = {
    "code", "Completions of programming problems, in the form that MultiPL-E runs", setup};

}  // namespace expertoire::cli
