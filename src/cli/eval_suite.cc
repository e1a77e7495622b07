// expertoire eval suite
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "cli/eval_commands.h"
#include "cli/eval_options.h"
#include "eval/report.h"
#include "eval/suite.h"
#include "io/atomic_file.h"

namespace expertoire::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::vector<std::string> kEmbeddingTasks = {"sts",        "classification", "pairs",
                                                  "clustering", "rerank",         "summarization"};
const std::vector<std::string> kLanguageTasks = {"choice", "lambada", "perplexity"};

struct Options {
  std::string suite, folder, out, report, model, compute, edit;
  int threads = 0, resamples = 1000;
  bool controls = false, skip_missing = false;
};

bool embeds(const SuiteRun& run) {
  return std::find(kEmbeddingTasks.begin(), kEmbeddingTasks.end(), run.task) !=
         kEmbeddingTasks.end();
}

Suite load(const Options& options) {
  std::vector<std::string> tasks = kEmbeddingTasks;
  tasks.insert(tasks.end(), kLanguageTasks.begin(), kLanguageTasks.end());
  const bool own = options.suite.ends_with(".json");
  return read_suite(own ? options.suite : shipped_path("data/suites/" + options.suite + ".json"),
                    tasks);
}

std::string in_folder(const Options& options, const std::string& name) {
  return options.folder + "/" + name;
}

// Leaves out the files that are not there, and says so; without --skip-missing that is an error.
std::vector<SuiteRun> with_data(const Suite& suite, const Options& options) {
  std::vector<SuiteRun> runs;
  for (SuiteRun run : suite.runs) {
    std::erase_if(run.data, [&](const std::string& name) {
      if (fs::exists(in_folder(options, name))) return false;
      if (!options.skip_missing) {
        throw Error(ErrorCode::kNotFound,
                    {"running the suite " + suite.name, "no file " + in_folder(options, name),
                     "every data set of the suite in --data-folder",
                     "fetch it, or leave out what is missing with --skip-missing"});
      }
      fmt::print(stderr, "left out: no file {}\n", in_folder(options, name));
      return true;
    });
    if (!run.data.empty()) runs.push_back(std::move(run));
  }
  if (runs.empty()) {
    throw Error(ErrorCode::kNotFound,
                {"running the suite " + suite.name, "none of its data sets in " + options.folder,
                 "one or more", "check --data-folder"});
  }
  return runs;
}

// An option's value that is a file of the data folder, like the shots: {data}/NAME.
std::optional<std::string> file_in(const std::string& option, const Options& options) {
  constexpr std::string_view kData = "{data}/";
  if (!option.starts_with(kData)) return std::nullopt;
  return in_folder(options, option.substr(kData.size()));
}

// The run as a command of its own, without what says where it keeps things.
std::vector<std::string> arguments_of(const SuiteRun& run, const Options& options) {
  std::vector<std::string> all = {"--data"};
  for (const std::string& name : run.data) all.push_back(in_folder(options, name));
  for (const std::string& option : run.options) {
    all.push_back(file_in(option, options).value_or(option));
  }
  for (const auto& [name, value] :
       {std::pair("--model", &options.model), std::pair("--compute", &options.compute),
        std::pair("--edit", &options.edit)}) {
    if (!value->empty()) all.insert(all.end(), {name, *value});
  }
  if (options.threads > 0) all.insert(all.end(), {"--threads", std::to_string(options.threads)});
  all.insert(all.end(), {"--resamples", std::to_string(options.resamples)});
  if (options.controls && embeds(run)) all.push_back("--controls");
  return all;
}

// What the results of a run depend on. Model files by name, size and time: they may be large.
std::string key_of(const SuiteRun& run, const std::vector<std::string>& arguments,
                   const Options& options) {
  json about = {{"version", EXPERTOIRE_VERSION}, {"task", run.task}, {"arguments", arguments}};
  for (const std::string& name : run.data) {
    about["data"].push_back(file_hash(in_folder(options, name)));
  }
  for (const std::string& option : run.options) {
    if (const auto file = file_in(option, options)) about["data"].push_back(file_hash(*file));
  }
  if (!options.edit.empty()) about["edit"] = file_hash(options.edit);
  const std::string_view usual = embeds(run) ? kEmbeddingModel : kExpertsModel;
  const std::string model = options.model.empty() ? std::string(usual) : options.model;
  for (const fs::directory_entry& file : fs::directory_iterator(model_folder(model))) {
    if (!file.is_regular_file()) continue;
    about["model"][file.path().filename().string()] = {
        file.file_size(), file.last_write_time().time_since_epoch().count()};
  }
  return content_hash(about.dump(-1, ' ', false, json::error_handler_t::replace));
}

void call(const std::string& task, std::vector<std::string> arguments) {
  for (const Command& command : eval_commands()) {
    if (command.name != task) continue;
    CLI::App app;
    const auto run = command.setup(app);
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& error) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"reading the suite's options of " + task, error.what(), "options of that task",
                   "see `expertoire eval " + task + " --help`"});
    }
    run();
  }
}

// A folder beside --out, until the suite is through: the results of each finished run, the vectors,
// and the items of a run that was stopped.
std::vector<EvalResult> results_of(const SuiteRun& run, const Options& options,
                                   const fs::path& parts) {
  std::vector<std::string> arguments = arguments_of(run, options);
  const std::string base = (parts / key_of(run, arguments, options)).string();
  const std::string results = base + ".jsonl";
  if (!fs::exists(results)) {
    arguments.insert(arguments.end(), {"--results", results});
    if (embeds(run)) arguments.insert(arguments.end(), {"--cache", (parts / "vectors").string()});
    if (!embeds(run)) {
      const std::string items = base + ".items";
      arguments.insert(arguments.end(), {"--out", items});
      if (fs::exists(items + ".partial")) arguments.push_back("--resume");
    }
    call(run.task, arguments);
  }
  return read_results(results);
}

void suite(const Options& options) {
  const Suite list = load(options);
  const std::vector<SuiteRun> runs = with_data(list, options);
  check_ending(options.out, {".jsonl"});
  check_writable(options.out);
  const fs::path parts = options.out + ".parts";
  fs::create_directories(parts);
  std::vector<EvalResult> all;
  for (const SuiteRun& run : runs) {
    fmt::print(stderr, "{}: {} on {}\n", list.name, run.task, fmt::join(run.data, ", "));
    for (EvalResult& result : results_of(run, options, parts)) {
      result.details["suite"] = list.name;
      all.push_back(std::move(result));
    }
  }
  write_file(options.out, json_lines(all));
  if (!options.report.empty()) write_file(options.report, report_page(all));
  fs::remove_all(parts);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("suite", options->suite, "moee, language, or a .json file of your own")
      ->required();
  app.add_option("--data-folder", options->folder, "Where the suite's data sets are")->required();
  app.add_option("--out", options->out, "Results, a .jsonl file")->required();
  app.add_option("--report", options->report, "Also a page for people, one .html file");
  app.add_option("--model", options->model,
                 "Folder or name of the model (default: as each task's)");
  app.add_option("--compute", options->compute, "f32 or bf16 (default: as each task's)");
  app.add_option("--edit", options->edit, "A routing edit, for every task");
  app.add_option("--threads", options->threads, "0 = all cores")->capture_default_str();
  app.add_option("--resamples", options->resamples, "Bootstrap resamples; 0 = no intervals")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_flag("--controls", options->controls, "Controls beside the scores of embeddings");
  app.add_flag("--skip-missing", options->skip_missing, "Leave out data sets that are not there");
  return [options] { suite(*options); };
}

}  // namespace

extern const Command kEvalSuiteCommand = {
    "suite", "A named list of data sets and tasks, resumable, into one file", setup};

}  // namespace expertoire::cli
