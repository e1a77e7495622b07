#include "cli/toxicity_tables.h"

#include <fmt/format.h>

#include "cli/table.h"
#include "cli/toxicity_judge.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

std::string shown(const json& interval) {
  return fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", interval[0].get<double>(),
                     interval[1].get<double>(), interval[2].get<double>());
}

void print_threshold(const json& row) {
  fmt::print("\n{}: {} experts, {:.2f} % of the routing mass", row["system"].get<std::string>(),
             row["experts"].get<int64_t>(), 100 * row["mass"].get<double>());
  if (row["measures"].empty()) return fmt::print(": nothing to measure\n");
  std::vector<std::vector<std::string>> rows = {
      {"measured on", "measure", "n", "before", "after", "change"}};
  for (const auto& [kind, mass] : row["control_mass"].items()) {
    fmt::print("; random, same {}: {:.2f} %", kind, 100 * mass.get<double>());
    rows[0].push_back("random, same " + kind);
    rows[0].push_back("beyond it");
  }
  fmt::print("\n");
  for (const json& measure : row["measures"]) {
    rows.push_back({measure["set"].get<std::string>(), measure["name"].get<std::string>(),
                    std::to_string(measure["n"].get<int64_t>()),
                    fmt::format("{:.4f}", measure["before"].get<double>()),
                    fmt::format("{:.4f}", measure["after"].get<double>()),
                    shown(measure["change"])});
    for (const auto& [kind, control] : measure["controls"].items()) {
      rows.back().push_back(fmt::format("{:+.4f}", control["change"][0].get<double>()));
      rows.back().push_back(shown(control["beyond"]));
    }
  }
  print_table(rows);
}

}  // namespace

void print_measures(const json& report) {
  fmt::print("{}", describe_judge(report["scorer"]));
  if (const json& choice = report["choice"]; !choice.is_null()) {
    fmt::print("choice: {} questions, {:.1f} % wrong [{:.1f}, {:.1f}], {:.1f} % by chance{}\n",
               choice["questions"].get<int64_t>(), 100 * choice["wrong"][0].get<double>(),
               100 * choice["wrong"][1].get<double>(), 100 * choice["wrong"][2].get<double>(),
               100 * choice["wrong_by_chance"].get<double>(),
               choice["claimed"].get<bool>() ? "" : ": not above chance, edits were not asked");
  }
  for (const json& row : report["thresholds"]) print_threshold(row);
}

}  // namespace expertoire::cli
