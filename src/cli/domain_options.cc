#include "cli/domain_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "cli/common.h"
#include "cli/progress_on.h"
#include "cli/table.h"
#include "engine/shipped.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

constexpr std::string_view kKinds[] = {"expert", "left", "right"};
constexpr const char* kShippedGroups = "mmlu-pro";

std::string joined(const json& names) {
  return fmt::format("{}", fmt::join(names.get<std::vector<std::string>>(), ", "));
}

}  // namespace

void DomainFlags::add_to(CLI::App& app) {
  app.add_option("--index", index, "The index (`experts index`) to select from")->required();
  app.add_option("--index-b", index_b,
                 "A second index of other documents: how far does a selection from it agree?");
  app.add_option("--groups", groups,
                 "Which labels make a domain: a file (docs/domains.md), or mmlu-pro, which ships "
                 "(default: each label is one)");
  app.add_option("--rule", rule,
                 "skew: FACTOR times the mass of the second domain; argmax: the domain with most")
      ->capture_default_str();
  app.add_option("--factor", domains.factor, "Of skew")->capture_default_str();
  app.add_option("--kind", kind, "expert; or of Monet's keys left or right")->capture_default_str();
  app.add_option("--least-documents", domains.least_documents,
                 "Documents of its domain that must hold an expert for it to qualify")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--resamples", domains.bootstrap.resamples, "Bootstrap resamples over documents")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--seed", domains.bootstrap.seed, "Of everything random")->capture_default_str();
  app.add_flag("--plain", plain,
               "Take all experts that meet the rule, not only those that the bootstrap confirms");
}

DomainOptions DomainFlags::options(int threads) const {
  DomainOptions options = domains;
  options.rule = choose_enum<DomainRule>("--rule", rule, kDomainRuleNames);
  options.kind = choose_enum<UnitKind>("--kind", kind, kKinds);
  options.threads = threads;
  return options;
}

DomainGroups DomainFlags::groups_of(const ExpertIndex& first) const {
  if (groups.empty()) return DomainGroups::of_labels(first.info().labels);
  return DomainGroups::load(groups == kShippedGroups ? shipped_path("data/domains.json") : groups);
}

DomainSelection select_with_progress(const ExpertIndex& index, const DomainGroups& groups,
                                     const DomainOptions& options) {
  ProgressBar bar("experts");
  return select_domain_experts(index, groups, options, progress_on(bar, "selecting experts"));
}

std::optional<ExpertIndex> open_second(const DomainFlags& flags, const ExpertIndex& first) {
  if (flags.index_b.empty()) return std::nullopt;
  std::optional<ExpertIndex> second(std::in_place, flags.index_b);
  if (same_model(first, *second)) return second;
  throw Error(ErrorCode::kInvalidArgument,
              {"comparing selections", flags.index_b + " is of another model than " + flags.index,
               "two indexes of one model", ""});
}

void print_selection(const json& found) {
  std::vector<std::vector<std::string>> rows = {{"domain", "documents", "tokens"}};
  for (const json& layer : found["domains"][0]["layers"]) {
    rows[0].push_back(fmt::format("layer {}", layer["layer"].get<int>()));
  }
  rows[0].emplace_back("all layers");
  const auto counts = [](const json& of) {
    return fmt::format("{} of {}", of["qualified"].get<int64_t>(), of["plain"].get<int64_t>());
  };
  for (const json& domain : found["domains"]) {
    std::vector<std::string> row = {domain["name"].get<std::string>(),
                                    std::to_string(domain["documents"].get<int64_t>()),
                                    std::to_string(domain["tokens"].get<int64_t>())};
    for (const json& layer : domain["layers"]) row.push_back(counts(layer));
    row.push_back(counts(domain));
    rows.push_back(std::move(row));
  }
  fmt::print("Experts that the bootstrap confirms, of those that meet the plain rule:\n");
  print_table(rows);
  if (!found["absent"].empty()) fmt::print("no text: {}\n", joined(found["absent"]));
  if (!found["left_out"].empty()) fmt::print("in no domain: {}\n", joined(found["left_out"]));
}

void print_agreement(const json& agreement) {
  std::vector<std::vector<std::string>> rows = {
      {"domain", "here", "there", "both", "Jaccard", "plain: here", "there", "both", "Jaccard"}};
  for (const json& domain : agreement) {
    std::vector<std::string> row = {domain["domain"].get<std::string>()};
    for (const char* which : {"qualified", "plain"}) {
      const json& figures = domain[which];
      for (const char* key : {"first", "second", "both"}) {
        row.push_back(std::to_string(figures[key].get<int64_t>()));
      }
      row.push_back(fmt::format("{:.3f}", figures["jaccard"].get<double>()));
    }
    rows.push_back(std::move(row));
  }
  fmt::print("\nThe same selection from the second index:\n");
  print_table(rows);
}

}  // namespace expertoire::cli
