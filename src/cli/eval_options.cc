#include "cli/eval_options.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "cli/command.h"
#include "cli/table.h"
#include "eval/report.h"
#include "io/atomic_file.h"

namespace expertoire::cli {
namespace {

std::string shown(const EvalScore& score) {
  const std::string value = fmt::format("{:.4f}", score.value);
  if (!score.interval) return value;
  return value + fmt::format(" [{:.4f}, {:.4f}]", score.interval->first, score.interval->second);
}

std::vector<std::string> cells(const EvalResult& result) {
  std::vector<std::string> row = {result.dataset, system_label(result), std::to_string(result.n)};
  for (const auto& [name, score] : result.scores) row.push_back(shown(score));
  return row;
}

std::vector<std::string> heading(const EvalResult& result) {
  std::vector<std::string> row = {"data set", "system", "n"};
  for (const auto& [name, score] : result.scores) row.push_back(name);
  return row;
}

}  // namespace

void EvalDataOptions::add_to(CLI::App& app, const std::vector<std::string>& fields) {
  app.add_option("--data", files, "Data sets: JSON Lines, .gz or not; one result for each")
      ->required();
  for (const std::string& field : fields) {
    app.add_option(field_option(field), names[field],
                   fmt::format("Name of the field with the {} (default: the first of {})", field,
                               fmt::join(field_aliases(field), ", ")));
  }
  app.add_flag("--skip-bad-rows", skip_bad_rows, "Count broken rows instead of refusing the file");
  app.add_option("--resamples", resamples,
                 "Bootstrap resamples behind the 95 % intervals; 0 = none")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_flag("--json", json, "One JSON object a line for each data set");
  app.add_option("--report", report, "Also a page for people, one .html file");
  app.add_option("--results", results, "Also the JSON, one .jsonl file");
  app.add_flag("--items", items, "With --json: every row's values too, for `eval compare`");
}

RowOptions EvalDataOptions::rows(const std::string& label) const {
  RowOptions options{.names = names, .label = label, .skip_bad = skip_bad_rows};
  std::erase_if(options.names, [](const auto& name) { return name.second.empty(); });
  return options;
}

nlohmann::json EvalDataOptions::provenance() const {
  for (const std::string* file : {&report, &results}) {
    if (!file->empty()) check_writable(*file);
  }
  nlohmann::json data = nlohmann::json::array();
  for (const std::string& file : files) data.push_back({{"file", file}, {"hash", file_hash(file)}});
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return {{"data", std::move(data)},
          {"version", EXPERTOIRE_VERSION},
          {"command", command_line()},
          {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now))}};
}

void EvalDataOptions::save(const std::vector<EvalResult>& all) const {
  if (!results.empty()) write_file(results, json_lines(all));
}

void EvalDataOptions::publish(const std::vector<EvalResult>& all,
                              const std::vector<EvalResult>& before) const {
  if (!report.empty()) write_file(report, report_page(all));
  save(all);
  std::vector<EvalResult> shown = all;
  if (!json) shown.insert(shown.begin(), before.begin(), before.end());
  print_results(shown, json);
}

std::string json_lines(const std::vector<EvalResult>& results) {
  std::string lines;
  for (const EvalResult& result : results) {
    lines += result.to_json().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return lines;
}

void print_results(const std::vector<EvalResult>& results, bool json) {
  if (json) {
    for (const EvalResult& result : results) print_json(result.to_json());
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const EvalResult& result : results) {
    if (rows.empty()) rows.push_back(heading(result));
    rows.push_back(cells(result));
  }
  print_table(rows);
}

}  // namespace expertoire::cli
