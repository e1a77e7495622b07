// expertoire experts mask-study
#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "analysis/domain_report.h"
#include "analysis/mask_report.h"
#include "analysis/mask_study.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/corpus_options.h"
#include "cli/domain_options.h"
#include "cli/table.h"
#include "io/atomic_file.h"

namespace expertoire::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Options {
  ModelOptions model{kExpertsModel};
  DomainFlags flags;
  CorpusFlags corpus;
  StudyCorpusOptions study;
  std::vector<std::string> controls = {"same_number", "same_mass", "same_target_mass",
                                       "most_frequent"};
  int seeds = 3;
  int64_t least_texts = 10;
  std::string domains, out;
  bool resume = false, json = false;

  std::vector<MaskKind> kinds() const {
    std::vector<MaskKind> chosen;
    for (const std::string& name : controls) {
      if (name == "none") continue;
      const auto kind = choose_enum<MaskKind>("--controls", name, kMaskKindNames);
      if (kind != MaskKind::kSelected) chosen.push_back(kind);
    }
    return chosen;
  }
};

// What is masked for each domain, and how far a second index agrees.
struct Selected {
  IndexedDomains domains;
  std::vector<ExpertMask> masks;
  json found;      // as `experts domains --json`; null when the masks come from files
  json agreement;  // likewise
};

Selected select_from_index(const Options& options, const ExpertIndex& index,
                           const ExpertIndex* second, const DomainGroups& groups) {
  const DomainOptions chosen = options.flags.options(options.model.threads);
  const DomainSelection selection = select_with_progress(index, groups, chosen);
  Selected selected{selection.domains, {}, to_json(selection, chosen, index.units()), {}};
  for (size_t d = 0; d < selected.domains.names.size(); ++d) {
    selected.masks.push_back(
        mask_of(selection, static_cast<int>(d), index.units(), options.flags.plain));
  }
  if (second != nullptr) {
    selected.agreement = agreement_json(selection, select_with_progress(*second, groups, chosen));
  }
  return selected;
}

// DIR/DOMAIN.json, as `experts domains --out` writes them.
Selected read_masks(const Options& options, const ExpertIndex& index, const DomainGroups& groups,
                    const ModelConfig& config) {
  const IndexInfo& info = index.info();
  Selected selected{
      indexed_domains(groups, info.labels, info.label_tokens, info.label_documents), {}, {}, {}};
  std::set<std::string> files;
  for (const auto& entry : fs::directory_iterator(options.domains)) {
    if (entry.path().extension() == ".json") files.insert(entry.path().filename().string());
  }
  for (const std::string& domain : selected.domains.names) {
    const std::string name = domain_file_name(domain) + ".json";
    const std::string path = options.domains + "/" + name;
    selected.masks.push_back(files.erase(name) > 0 ? mask_of(RoutingEdit::load(path), config, path)
                                                   : ExpertMask());
  }
  if (!files.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading " + options.domains, *files.begin() + " is named after no domain",
                 "edits named after domains that the index has text of", ""});
  }
  return selected;
}

uint64_t hash_of(const StudyCorpus& corpus) {
  uint64_t hash = kFnvStart;
  for (const StudyDocument& document : corpus.documents) {
    hash = fnv1a(fmt::format("{} {} ", document.domain, document.ids.size()), hash);
    hash =
        fnv1a({reinterpret_cast<const char*>(document.ids.data()), document.ids.size() * 4}, hash);
  }
  return hash;
}

uint64_t hash_of(const std::vector<PlannedMask>& plan, const std::vector<std::string>& domains) {
  uint64_t hash = kFnvStart;
  for (const PlannedMask& one : plan) {
    hash = fnv1a(mask_name(one.run, domains), hash);
    for (const auto& [layer, experts] : one.mask) {
      hash = fnv1a(fmt::format(" {} {} ", layer, experts.size()), hash);
      hash = fnv1a({reinterpret_cast<const char*>(experts.data()), experts.size() * 4}, hash);
    }
  }
  return hash;
}

void check_options(const Options& options) {
  if (!options.domains.empty() && !options.flags.index_b.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"studying masks", "--domains and --index-b",
                 "one of them: a second index repeats the selection that --domains has done", ""});
  }
}

class Study {
 public:
  explicit Study(const Options& options)
      : options_(options), index_(options.flags.index), loaded_(options.model, true) {
    check_same_model(index_, *loaded_.model);
    second_ = open_second(options.flags, index_);
    groups_ = options.flags.groups_of(index_);
    fs::create_directories(options.out);
    check_writable(options.out + "/study.json");
  }

  void run() {
    selected_ = options_.domains.empty()
                    ? select_from_index(options_, index_, second_ ? &*second_ : nullptr, groups_)
                    : read_masks(options_, index_, groups_, loaded_.model->config());
    read_texts();
    const IndexMasses masses = read_masses(index_, selected_.domains);
    plan_ = plan_masks(selected_.masks, masses, options_.kinds(), options_.seeds,
                       static_cast<uint32_t>(options_.flags.domains.bootstrap.seed));
    effects_ = mask_effects(score(), options_.flags.domains.bootstrap, options_.least_texts);
  }

  json result() const {
    json all = effects_.to_json();
    all["selection"] = selected_.found;
    all["agreement"] = selected_.agreement;
    all["in_index"] = texts_.in_index;
    all["provenance"] = provenance();
    return all;
  }
  const MaskEffects& effects() const { return effects_; }
  const json& agreement() const { return selected_.agreement; }

  void write() const {
    const json all = result();
    write_file(options_.out + "/study.json",
               all.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
    write_file(options_.out + "/heat_map.svg",
               svg_heat_map(heat_map_of(effects_, MaskKind::kSelected)));
    write_file(options_.out + "/study.html",
               mask_page(effects_, selected_.agreement, all["provenance"]));
  }

 private:
  // Masks of domains without a text could not be judged and are not scored.
  void read_texts() {
    const Tokenizer tokenizer = loaded_.tokenizer();
    Corpus corpus(options_.corpus.options());
    std::vector<const ExpertIndex*> selected_on = {&index_};
    if (second_) selected_on.push_back(&*second_);
    StudyCorpusOptions chosen = options_.study;
    chosen.seed = static_cast<uint32_t>(options_.flags.domains.bootstrap.seed);
    ProgressBar bar("‰ of the corpus");
    texts_ = read_study_corpus(corpus, groups_, selected_.domains, tokenizer, selected_on, chosen,
                               [&](int64_t done, int64_t total) {
                                 interrupt_token().check("reading the corpus");
                                 bar.update(done,
                                            static_cast<double>(done) / static_cast<double>(total));
                               });
    std::set<int> with_text;
    for (const StudyDocument& document : texts_.documents) with_text.insert(document.domain);
    for (size_t d = 0; d < selected_.masks.size(); ++d) {
      if (!with_text.contains(static_cast<int>(d))) selected_.masks[d].clear();
    }
  }

  MaskScores score() {
    if (plan_.empty()) return {};  // mask_effects() says what is wrong
    const json fingerprint = {{"weights", content_hash(loaded_.model->weights_sample())},
                              {"compute", compute_name(loaded_.model->compute())},
                              {"simd", loaded_.session->executor().kernels().name},
                              {"edit", loaded_.edit},
                              {"texts", hash_of(texts_)},
                              {"masks", hash_of(plan_, selected_.domains.names)}};
    ItemLog log(options_.out + "/scores.jsonl", fingerprint, options_.resume);
    const RoutingEdit base =
        options_.model.edit.empty() ? RoutingEdit() : RoutingEdit::load(options_.model.edit);
    ProgressBar bar("documents");
    MaskScores scores =
        score_masks(*loaded_.session, plan_, selected_.domains.names, texts_, base, log,
                    [&](int64_t done, int64_t total) {
                      interrupt_token().check("scoring");
                      bar.update(done, static_cast<double>(done) / static_cast<double>(total));
                    });
    log.finish();
    return scores;
  }

  json provenance() const {
    json facts = loaded_.provenance(options_.model);
    facts["index"] = options_.flags.index;
    facts["index_corpus"] = index_.info().provenance.contains("corpus_hash")
                                ? index_.info().provenance.at("corpus_hash")
                                : "";
    facts["texts"] = options_.corpus.corpus.inputs;
    facts["max_tokens"] = options_.study.max_tokens;
    facts["seeds"] = options_.seeds;
    facts["resamples"] = options_.flags.domains.bootstrap.resamples;
    facts["seed"] = options_.flags.domains.bootstrap.seed;
    facts["version"] = EXPERTOIRE_VERSION;
    facts["command"] = command_line();
    return facts;
  }

  const Options& options_;
  ExpertIndex index_;
  LoadedModel loaded_;
  std::optional<ExpertIndex> second_;
  DomainGroups groups_;
  Selected selected_;
  StudyCorpus texts_;
  std::vector<PlannedMask> plan_;
  MaskEffects effects_;
};

std::string shown(const Interval& interval, double scale, int decimals) {
  if (std::isnan(interval.value)) return "-";
  if (std::isnan(interval.low)) return fmt::format("{:.{}f}", scale * interval.value, decimals);
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", scale * interval.value, decimals,
                     scale * interval.low, decimals, scale * interval.high, decimals);
}

void print_effects(const MaskEffects& effects) {
  constexpr double kThousandths = 1000;
  std::vector<std::vector<std::string>> rows = {
      {"target", "texts", "masked", "experts", "target's change", "others' change"}};
  for (const MaskEffect& effect : effects.effects) {
    const MeasuredDomain& target = effects.domains[static_cast<size_t>(effect.target)];
    rows.push_back({target.name, std::to_string(target.documents),
                    std::string(kMaskKindNames[static_cast<size_t>(effect.kind)]),
                    fmt::format("{:.0f}", effect.experts),
                    shown(effect.change[static_cast<size_t>(effect.target)], kThousandths, 1),
                    shown(effect.others, kThousandths, 1)});
  }
  fmt::print("Changes in thousandths of a bit a byte; more is worse.\n");
  print_table(rows);
  rows = {{"masked", "targets", "target", "others", "difference", "ratio", "selected over this"}};
  for (const auto& [kind, summary] : effects.summaries) {
    rows.push_back({std::string(kMaskKindNames[static_cast<size_t>(kind)]),
                    std::to_string(summary.targets), shown(summary.target, kThousandths, 1),
                    shown(summary.others, kThousandths, 1),
                    shown(summary.difference, kThousandths, 1),
                    summary.ratio ? shown(*summary.ratio, 1, 2) : "-",
                    summary.selected_over ? shown(*summary.selected_over, 1, 2) : "-"});
  }
  fmt::print("\nMeans over targets:\n");
  print_table(rows);
}

void mask_study(const Options& options) {
  check_options(options);
  options.kinds();
  Study study(options);
  study.run();
  study.write();
  if (options.json) {
    print_json(study.result());
    return;
  }
  print_effects(study.effects());
  if (!study.agreement().is_null()) print_agreement(study.agreement());
  fmt::print("\n{}/study.html, study.json, heat_map.svg, scores.jsonl\n", options.out);
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  options->flags.add_to(app);
  options->corpus.add_to(app);
  app.add_option("--domains", options->domains,
                 "Folder of edits, one named after each domain, instead of a selection here")
      ->check(CLI::ExistingDirectory);
  app.add_option("--max-tokens", options->study.max_tokens, "Tokens read of a document")
      ->capture_default_str();
  app.add_option("--documents", options->study.documents,
                 "Documents of a domain, drawn at random where it has more")
      ->capture_default_str();
  app.add_option("--controls", options->controls,
                 "Masks to compare with: same_number, same_mass, same_target_mass, most_frequent; "
                 "or none (default: all)")
      ->delimiter(',');
  app.add_option("--seeds", options->seeds, "Random masks of each kind")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--least-texts", options->least_texts,
                 "Documents that a domain needs for intervals and a part in the means")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--out", options->out,
                 "Folder: study.html, study.json, heat_map.svg, scores.jsonl")
      ->required();
  app.add_flag("--resume", options->resume, "Go on with an unfinished OUT/scores.jsonl");
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { mask_study(*options); };
}

}  // namespace

extern const Command kExpertsMaskStudyCommand = {
    "mask-study", "What masking each domain's experts costs every domain, beside random masks",
    setup};

}  // namespace expertoire::cli
