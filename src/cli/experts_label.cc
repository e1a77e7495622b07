// expertoire experts label
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/label_methods.h"
#include "cli/label_report.h"
#include "io/file_descriptor.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string index, held_out, method;
  std::vector<std::string> units;
  size_t top = 300;
  LabelStudyOptions study;
  LabelMethodOptions methods;
  bool no_shuffled = false, dry_run = false, json = false;
};

std::string now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

void print(const std::string& text) { write_all(STDOUT_FILENO, text, "standard output"); }

std::vector<Unit> chosen_units(const Options& options, const ExpertIndex& index,
                               const ExpertIndex& held_out) {
  if (options.units.empty()) {
    return units_to_label(index, held_out, options.top, options.study.rule);
  }
  std::vector<Unit> units;
  for (const std::string& name : options.units) units.push_back(index.units().parse(name));
  return units;
}

// Labels, scores, writes and prints. What was judged before an error is written too.
void run_study(const Options& options, const ExpertIndex& index, const ExpertIndex& held_out,
               Labeller& labeller, const std::function<json()>& how) {
  LabelStudy study(index, held_out, chosen_units(options, index, held_out), options.study);
  const auto report = [&] {
    return LabelReport{options.method, index, held_out, options.study, how(), study.results()};
  };
  try {
    ProgressBar bar("experts");
    const auto show = [&](int64_t done, int64_t total) {
      bar.update(done, static_cast<double>(done) / static_cast<double>(total));
    };
    study.run(labeller, show, &interrupt_token());
  } catch (const Error&) {
    write_labels(index, report().rows(now()));
    throw;
  }
  const LabelReport done = report();
  write_labels(index, done.rows(now()));
  if (options.json) {
    print_json(done.to_json());
  } else {
    print(done.text());
  }
}

// The questions about the first expert, and how many there will be; nothing is asked or written.
void show_questions(const Options& options) {
  const ExpertIndex index(options.index);
  const ExpertIndex held_out(options.held_out);
  const std::vector<Unit> units = chosen_units(options, index, held_out);
  size_t questions = 0;
  const auto show = [&](const ChatQuestion& question) {
    ++questions;
    print(fmt::format("--- question {}\n[system] {}\n[user]\n{}\n", questions, question.system,
                      question.user));
  };
  with_dry_labeller(show, [&](Labeller& labeller, const auto&) {
    LabelStudyOptions once = options.study;
    once.shuffled = false;
    LabelStudy(index, held_out, std::span(units).first(1), once).run(labeller, {}, nullptr);
  });
  const size_t each = options.study.shuffled ? 2 * questions - 1 : questions;
  print(fmt::format("--- about {} requests for {} experts; none was made\n", each * units.size(),
                    units.size()));
}

void label(Options options) {
  options.study.shuffled = !options.no_shuffled;
  const auto method = choose_enum<LabelMethod>("--method", options.method, kLabelMethodNames);
  if (options.dry_run) {
    if (method != LabelMethod::kEndpoint) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"labelling experts", "--dry-run with --method " + options.method,
                   "--method endpoint: the others ask nobody", ""});
    }
    return show_questions(options);
  }
  const ExpertIndex index(options.index, true);
  const ExpertIndex held_out(options.held_out);
  with_labeller(method, options.methods, index,
                [&](Labeller& labeller, const std::function<json()>& how) {
                  run_study(options, index, held_out, labeller, how);
                });
}

void add_study_options(CLI::App& app, Options& options) {
  LabelStudyOptions& study = options.study;
  auto* units = app.add_option("--units", options.units,
                               "Experts or keys, as L:E, L:i,j, L:left:i, L:right:j");
  app.add_option("--top", options.top, "Or so many experts of the largest mass")
      ->check(CLI::PositiveNumber)
      ->excludes(units)
      ->capture_default_str();
  app.add_option("--min-items", study.rule.least_items,
                 "Held-out items that a label needs to count as reliable")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--pool-tokens", study.items.pool_tokens,
                 "Tokens of documents that controls are drawn from")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", study.items.seed, "Of the controls and of shuffled labels")
      ->capture_default_str();
  app.add_flag("--no-shuffled", options.no_shuffled, "Do not score shuffled labels too");
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("--index", options->index, "The index whose experts get labels")->required();
  app.add_option("--held-out", options->held_out,
                 "An index of the same model made from other documents: labels are scored on it")
      ->required();
  app.add_option("--method", options->method, "words, endpoint or self")->required();
  add_study_options(app, *options);
  options->methods.add_to(app);
  app.add_flag("--dry-run", options->dry_run, "endpoint: print the questions, ask nothing");
  app.add_flag("--json", options->json, "One JSON object on stdout");
  return [options] { label(*options); };
}

}  // namespace

extern const Command kExpertsLabelCommand = {
    "label", "What experts do, in words, with a score that could have failed", setup};

}  // namespace expertoire::cli
