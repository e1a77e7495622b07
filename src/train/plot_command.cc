// expertoire-train plot
#include <fmt/format.h>

#include <map>
#include <memory>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/refuse.h"
#include "train/commands.h"
#include "train/curves_page.h"

namespace expertoire::train {
namespace {

struct Options {
  std::vector<std::string> logs;
  std::string out;
};

// Two runs of one name get their number behind it.
void tell_apart(std::vector<RunLog>& runs) {
  std::map<std::string, int> count, seen;
  for (const RunLog& run : runs) ++count[run.name];
  for (RunLog& run : runs) {
    const std::string name = run.name;
    if (count[name] > 1) run.name = fmt::format("{} ({})", name, ++seen[name]);
  }
}

void plot(const Options& options) {
  const bool html = options.out.ends_with(".html");
  if (!html && !options.out.ends_with(".svg")) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading --out", in_quotes(options.out), "a name that ends in .html or .svg", ""});
  }
  std::vector<RunLog> runs;
  for (const std::string& log : options.logs) runs.push_back(read_run_log(log));
  tell_apart(runs);
  write_file(options.out, html ? curves_html(runs) : curves_svg(runs));
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("logs", options->logs, "Logs of runs, .jsonl")->required();
  app.add_option("--out", options->out, "The page (.html) or the picture (.svg) to write")
      ->required();
  return [options] { plot(*options); };
}

}  // namespace

const cli::Command kPlotCommand = {"plot", "Curves of training runs as one page", setup};

}  // namespace expertoire::train
