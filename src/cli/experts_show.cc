// expertoire experts show
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/unit_effects.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/experts_text.h"
#include "cli/table.h"

namespace expertoire::cli {
namespace {

struct Options {
  ModelOptions model{kExpertsModel};
  ViewOptions view;
  std::string unit, index;
  bool logits = false, json = false;
};

void print_numbers(const UnitView& view, const IndexInfo& info) {
  const UnitRecord& record = view.record;
  fmt::print("{}: used on {} of {} tokens ({}), mass {:.4g}, highest score {:.4g}\n", view.name,
             record.count, info.tokens,
             percent(static_cast<double>(record.count) / static_cast<double>(info.tokens)),
             record.mass, record.max);
}

void print_histogram(const UnitView& view, float top) {
  constexpr double kBar = 50;
  const auto& counts = view.record.histogram;
  const uint32_t most = std::max(1U, *std::ranges::max_element(counts));
  int last = kHistogramBins - 1;
  while (last > 0 && counts[static_cast<size_t>(last)] == 0) --last;
  fmt::print("\nscores\n");
  for (int bin = 0; bin <= last; ++bin) {
    const uint32_t count = counts[static_cast<size_t>(bin)];
    const int length = static_cast<int>(std::ceil(kBar * count / most));
    std::string bar;
    for (int i = 0; i < length; ++i) bar += "█";
    fmt::print("  {:.2f} – {:.2f}  {} {}\n", top * static_cast<float>(bin) / kHistogramBins,
               top * static_cast<float>(bin + 1) / kHistogramBins, bar, count);
  }
}

void print_rates(const UnitView& view, const IndexInfo& info) {
  std::vector<std::vector<std::string>> rows = {
      {"label of documents", "mass a token", "over all", "documents"}};
  for (const LabelRate& rate : view.rates) {
    if (rate.rate == 0) continue;
    rows.push_back({"  " + on_terminal(info.labels[static_cast<size_t>(rate.label)]),
                    fmt::format("{:.3g}", rate.rate), fmt::format("{:.2f} ×", rate.lift),
                    std::to_string(rate.use.documents)});
  }
  fmt::print("\n");
  print_table(rows);
}

void print_tokens(const UnitView& view) {
  std::vector<std::vector<std::string>> rows = {{"token", "uses", "mass"}};
  for (const NamedToken& token : view.tokens) {
    const bool exact = token.use.error == 0;
    rows.push_back({"  " + in_quotation(token.text),
                    fmt::format("{}{}", exact ? "" : "≤ ", token.use.count),
                    fmt::format("{}{:.4g}", exact ? "" : "≤ ", token.use.mass)});
  }
  fmt::print("\n");
  print_table(rows);
}

void print_contexts(const UnitView& view) {
  fmt::print("\ncontexts\n");
  for (const ShownContext& window : view.contexts) {
    fmt::print("  {:.3f} {} ({})\n    {}\n", window.score, on_terminal(window.document),
               on_terminal(window.label), context_line(window, colours()));
  }
}

void print_partners(const UnitView& view, const UnitTable& units) {
  if (view.partners.empty()) return;
  std::vector<std::vector<std::string>> rows = {{"together with", "tokens", "of either's"}};
  for (const Partner& partner : view.partners) {
    rows.push_back(
        {"  " + units.name(partner.unit), std::to_string(partner.count), percent(partner.jaccard)});
  }
  fmt::print("\n");
  print_table(rows);
}

void print_labels(const UnitView& view) {
  if (view.labels.empty()) return;
  fmt::print("\nsaid to do\n");
  for (const UnitLabel& label : view.labels) {
    std::string score = "not scored";
    if (label.score) score = fmt::format("balanced accuracy {:.3f}", *label.score);
    if (label.low && label.high) score += fmt::format(" [{:.3f}, {:.3f}]", *label.low, *label.high);
    fmt::print("  {}: {} ({}, {})\n", label.method, on_terminal(label.text), score,
               label.reliable ? "reliable" : "not reliable: no fact");
  }
}

void print_effect(const LogitEffect& effect) {
  const auto print = [](const char* title, const std::vector<TokenLogit>& tokens) {
    fmt::print("  {}:", title);
    for (const TokenLogit& token : tokens)
      fmt::print(" {} {:+.3g}", in_quotation(token.text), token.logit);
    fmt::print("\n");
  };
  fmt::print("\nlogits\n");
  print("raises", effect.promoted);
  print("lowers", effect.suppressed);
}

void show(const Options& options) {
  const ExpertIndex index(options.index);
  const Unit unit = index.units().parse(options.unit);
  const std::optional<UnitRecord> record = index.find(unit);
  if (!record) refuse_unused(options.unit);
  UnitViewer viewer(index, options.view);
  viewer.read_texts({&*record, 1});
  UnitView view = viewer.view(*record);
  if (options.logits) {
    view.effect = UnitEffects(index, options.model.folder(), 10).of({&unit, 1}).front();
  }
  if (options.json) return print_json(to_json(view, index));
  print_numbers(view, index.info());
  print_labels(view);
  print_histogram(view, histogram_top(index, unit));
  print_rates(view, index.info());
  print_tokens(view);
  print_contexts(view);
  print_partners(view, index.units());
  if (view.effect) print_effect(*view.effect);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("unit", options->unit,
                 "LAYER:EXPERT; of factored routing LAYER:I,J, LAYER:left:KEY or LAYER:right:KEY")
      ->required();
  add_index(app, options->index);
  app.add_flag("--logits", options->logits,
               "Also the tokens whose logits it raises and lowers the most, from the model's "
               "weights (docs/experts.md)");
  app.add_option("--model", options->model.model,
                 fmt::format("The model of the index (default: {})", options->model.default_model))
      ->needs("--logits");
  app.add_option("--contexts", options->view.contexts, "Contexts shown, at most")
      ->capture_default_str();
  app.add_option("--tokens", options->view.tokens, "Tokens shown, at most")->capture_default_str();
  app.add_option("--before", options->view.before, "Tokens shown in front of a context's own")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--after", options->view.after, "Tokens shown behind it")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--json", options->json, "One JSON object");
  return [options] { show(*options); };
}

}  // namespace

extern const Command kExpertsShowCommand = {"show", "What one expert is used on", setup};

}  // namespace expertoire::cli
