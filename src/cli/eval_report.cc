// expertoire eval report
#include "eval/report.h"

#include "cli/common.h"
#include "cli/eval_commands.h"
#include "io/atomic_file.h"

namespace expertoire::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string out;
};

void report(const Options& options) {
  check_ending(options.out, {".html"});
  std::vector<EvalResult> all;
  for (const std::string& file : options.files) {
    for (EvalResult& result : read_results(file)) all.push_back(std::move(result));
  }
  write_file(options.out, report_page(all));
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("results", options->files, "What `eval … --json` printed")->required();
  app.add_option("--out", options->out, "The page, an .html file")->required();
  return [options] { report(*options); };
}

}  // namespace

extern const Command kEvalReportCommand = {"report", "Results of earlier runs as one page", setup};

}  // namespace expertoire::cli
