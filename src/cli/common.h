// What several sub-commands share: choosing a model, progress, names of enumerations.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/content_hash.h"
#include "engine/session.h"
#include "engine/shipped.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace expertoire::cli {

/// --model, --compute, --threads, --edit.
struct ModelOptions {
  std::string_view default_model;  ///< the shipped one that stands for no --model
  std::string model;
  std::string compute;
  std::string edit;
  int threads = 0;

  ModelOptions() : ModelOptions(kEmbeddingModel) {}
  explicit ModelOptions(std::string_view shipped) : default_model(shipped) {}
  void add_to(CLI::App& app);
  /// What --model names, or the default.
  std::string name() const { return model.empty() ? std::string(default_model) : model; }
  std::string folder() const;
  Compute compute_type() const;
};

/// A loaded model with a session of its own. Ctrl-C stops it at the next layer.
struct LoadedModel {
  std::shared_ptr<const Model> model;
  std::unique_ptr<Session> session;
  /// "edit" (its file) and "edit_hash"; empty without --edit. JSON on standard output says it.
  std::map<std::string, std::string> edit;

  LoadedModel(const ModelOptions& options, bool lm_head);
  Tokenizer tokenizer() const { return Tokenizer::load(model->folder()); }
  /// model folder, config hash, compute, SIMD level, edit: what outputs say of themselves.
  std::map<std::string, std::string> provenance(const ModelOptions& options) const;
};

/// An option that may be given again and takes one value each time, as it stands. (Left alone,
/// CLI11 takes the arguments that follow too, and "[a,b]" for a list.)
CLI::Option* add_repeatable(CLI::App& app, const std::string& name,
                            std::vector<std::string>& values, const std::string& help);

/// The token that SIGINT and SIGTERM raise; installs the handler on first use. A second signal ends
/// the program at once.
CancelToken& interrupt_token();

/// The tokens that a chat template may name, from the model's tokenizer.
ChatOptions chat_options(const Tokenizer& tokenizer);
/// Errors: kInvalidArgument when the model has none.
const std::string& chat_template_of(const Tokenizer& tokenizer);

/// How far work is.
struct ProgressPoint {
  int64_t done = 0;
  std::optional<double> fraction;  ///< of the whole work, if known: it gives the ETA
};

/// "150 texts, 10.0/s, 25 %, 0:45 left" after `seconds` of work that began at `start`.
std::string progress_text(const std::string& unit, const ProgressPoint& start,
                          const ProgressPoint& now, double seconds);

/// A line on stderr with rate and ETA, on a terminal only; at most ten times a second.
class ProgressBar {
 public:
  /// `unit`: "texts", "tokens" …; `begun`: what an earlier run did.
  explicit ProgressBar(std::string unit, ProgressPoint begun = {});
  ~ProgressBar();
  /// `fraction` of the whole work that is done, if known: it gives the ETA. `note` ends the line.
  void update(int64_t done, std::optional<double> fraction, std::string_view note = {});

 private:
  std::string unit_;
  ProgressPoint begun_;
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

/// The index of `value` in a list of names. Errors: kInvalidArgument naming the option and the
/// list.
size_t choose(std::string_view option, std::string_view value,
              const std::vector<std::string_view>& names);
template <class Enum, size_t N>
Enum choose_enum(std::string_view option, std::string_view value,
                 const std::string_view (&names)[N]) {
  return static_cast<Enum>(choose(option, value, {std::begin(names), std::end(names)}));
}

/// One line of JSON on stdout; text that is not UTF-8 is replaced, not refused.
void print_json(const nlohmann::json& value);

/// content_hash() of a file of any size. Errors: kNotFound, kIo; kInvalidArgument for what can be
/// read only once (a pipe): the hash would use it up.
std::string file_hash(const std::string& path);

/// Errors: kInvalidArgument when --out has none of the endings.
void check_ending(const std::string& out, const std::vector<std::string_view>& endings);

}  // namespace expertoire::cli
