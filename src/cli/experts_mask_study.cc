// expertoire experts mask-study
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "analysis/mask_report.h"
#include "analysis/mask_study.h"
#include "base/error.h"
#include "cli/beside_texts.h"
#include "cli/choice_options.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/corpus_options.h"
#include "cli/domain_options.h"
#include "cli/mask_selection.h"
#include "cli/mask_tables.h"
#include "cli/progress_on.h"
#include "io/atomic_file.h"
#include "io/refuse.h"

namespace expertoire::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Options {
  ModelOptions model{kExpertsModel};
  DomainFlags flags;
  CorpusFlags corpus;
  StudyCorpusOptions study;
  ChoiceFlags choice;
  std::vector<std::string> beside;
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
    std::error_code failed;
    fs::create_directories(options.out, failed);
    if (failed) system_error("making the folder " + options.out, failed.value());
    check_writable(options.out + "/study.json");
  }

  void run() {
    selected_ = options_.domains.empty()
                    ? select_from_index(options_.flags, options_.model.threads, index_,
                                        second_ ? &*second_ : nullptr, groups_)
                    : select_from_files(options_.domains, index_, groups_, loaded_.model->config());
    read_texts();
    read_beside();
    read_questions();
    const IndexMasses masses = read_masses(index_, selected_.domains);
    plan_ = {plan_masks(selected_.masks, masses, options_.kinds(), options_.seeds, seed()), names_,
             options_.beside.size(),
             options_.model.edit.empty() ? RoutingEdit() : RoutingEdit::load(options_.model.edit)};
    measure();
  }

  json result() const {
    json all = effects_.to_json();
    if (questions_) {
      all["choice"] = questions_->to_json();
      all["choice"].update(probe_->about());
    }
    all["selection"] = selected_.found;
    all["agreement"] = selected_.agreement;
    all["in_index"] = texts_.in_index;
    all["provenance"] = provenance();
    return all;
  }
  const MaskEffects& effects() const { return effects_; }
  const std::optional<MaskEffects>& questions() const { return questions_; }
  const json& agreement() const { return selected_.agreement; }

  void write() const {
    const json all = result();
    write_file(options_.out + "/study.json",
               all.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
    write_file(options_.out + "/heat_map.svg",
               svg_heat_map(heat_map_of(effects_, MaskKind::kSelected)));
    write_file(options_.out + "/study.html",
               mask_page(effects_, questions_, selected_.agreement, all["provenance"]));
  }

 private:
  uint32_t seed() const { return static_cast<uint32_t>(options_.flags.domains.bootstrap.seed); }

  // Masks of domains without a text could not be judged and are not scored.
  void read_texts() {
    const Tokenizer tokenizer = loaded_.tokenizer();
    Corpus corpus(options_.corpus.options());
    StudyCorpusOptions chosen = options_.study;
    chosen.seed = seed();
    ProgressBar bar("‰ of the corpus");
    texts_ = read_study_corpus(corpus, groups_, selected_.domains, tokenizer, selected_on(), chosen,
                               progress_on(bar, "reading the corpus"));
    std::set<int> with_text;
    for (const StudyDocument& document : texts_.documents) with_text.insert(document.domain);
    for (size_t d = 0; d < selected_.masks.size(); ++d) {
      if (!with_text.contains(static_cast<int>(d))) selected_.masks[d].clear();
    }
  }

  // Under names that come after the domains'.
  void read_beside() {
    names_ = selected_.domains.names;
    for (const std::string& argument : options_.beside) {
      const BesideTexts texts = parse_beside(argument, options_.corpus.corpus.text_field);
      if (std::ranges::count(names_, texts.name) > 0) {
        throw Error(ErrorCode::kInvalidArgument, {"reading --beside", "the name " + texts.name,
                                                  "one that no domain and no other text has", ""});
      }
      Corpus corpus(texts.corpus);
      StudyCorpusOptions chosen = options_.study;
      chosen.seed = seed();
      add_study_texts(corpus, static_cast<int>(names_.size()), loaded_.tokenizer(), selected_on(),
                      chosen, texts_);
      names_.push_back(texts.name);
    }
  }

  std::vector<const ExpertIndex*> selected_on() const {
    if (second_) return {&index_, &*second_};
    return {&index_};
  }

  // A question's category is a domain's name, or a label that lies in one.
  void read_questions() {
    if (!options_.choice.given()) return;
    ChoiceProbeOptions chosen = options_.choice.choice;
    chosen.seed = seed();
    const auto domain_of = [&](const std::string& category) {
      const int named = selected_.domains.find(category);
      const int group = groups_.domain_of(category);
      if (named >= 0 || group < 0) return named;
      return selected_.domains.find(groups_.names()[static_cast<size_t>(group)]);
    };
    probe_.emplace(chosen, domain_of, loaded_.tokenizer(),
                   loaded_.model->config().max_position_embeddings);
  }

  json fingerprint() const {
    json print = study_fingerprint(plan_, texts_);
    print.update({{"weights", content_hash(loaded_.model->weights_sample())},
                  {"compute", compute_name(loaded_.model->compute())},
                  {"simd", loaded_.session->executor().kernels().name},
                  {"edit", loaded_.edit}});
    if (!probe_) return print;
    print["choice"] = probe_->about();
    print["choice"]["hash"] = file_hash(options_.choice.choice.path);
    print["choice"]["least_texts"] = options_.least_texts;
    return print;
  }

  void measure() {
    const BootstrapOptions& bootstrap = options_.flags.domains.bootstrap;
    if (plan_.masks.empty()) mask_effects({}, bootstrap);  // says what is wrong
    ItemLog log(options_.out + "/scores.jsonl", fingerprint(), options_.resume);
    ProgressBar texts("documents");
    effects_ = mask_effects(
        score_masks(*loaded_.session, plan_, texts_, log, progress_on(texts, "scoring")), bootstrap,
        options_.least_texts);
    if (probe_) {
      ProgressBar questions("questions");
      questions_ =
          mask_effects(ask_masks(*loaded_.session, plan_, *probe_, bootstrap, options_.least_texts,
                                 log, progress_on(questions, "asking")),
                       bootstrap, options_.least_texts);
    }
    log.finish();
  }

  json provenance() const {
    json facts = loaded_.provenance(options_.model);
    facts["index"] = options_.flags.index;
    facts["index_corpus"] = index_.info().provenance.contains("corpus_hash")
                                ? index_.info().provenance.at("corpus_hash")
                                : "";
    facts["texts"] = options_.corpus.corpus.inputs;
    facts["beside"] = options_.beside;
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
  SelectedMasks selected_;
  StudyCorpus texts_;
  std::optional<ChoiceProbe> probe_;
  std::vector<std::string> names_;  // domains, then the texts beside them
  StudyPlan plan_;
  MaskEffects effects_;
  std::optional<MaskEffects> questions_;
};

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
  if (study.questions()) print_questions(*study.questions());
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
  add_repeatable(app, "--beside", options->beside,
                 "NAME=FILE or NAME=FILE:FIELD: texts of no domain that are measured too, as "
                 "mbpp=mbpp.jsonl.gz:code");
  options->choice.add_to(app);
  app.add_option("--controls", options->controls,
                 "Masks to compare with: same_number, same_mass, same_target_mass, most_frequent; "
                 "or none (default: all)")
      ->delimiter(',');
  app.add_option("--seeds", options->seeds, "Random masks of each kind")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--least-texts", options->least_texts,
                 "Documents or questions that a domain needs for intervals and a part in the means")
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
