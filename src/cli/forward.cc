// expertoire forward
#include <sstream>

#include "cli/command.h"
#include "cli/common.h"
#include "engine/capture.h"
#include "io/atomic_file.h"
#include "io/token_ids.h"

namespace expertoire::cli {
namespace {

struct Options {
  ModelOptions model;
  std::string ids, stages = "final_norm", out;
};

void forward(const Options& options) {
  std::vector<std::string> stages;
  std::istringstream list(options.stages);
  for (std::string stage; std::getline(list, stage, ',');) stages.push_back(stage);
  Capture capture(stages);
  const std::vector<std::vector<int32_t>> sequences = read_ids(options.ids);
  check_ending(options.out, {".safetensors"});
  check_writable(options.out);
  LoadedModel loaded(options.model, capture.wants("logits"));
  ProgressBar bar("sequences");
  for (size_t i = 0; i < sequences.size(); ++i) {
    capture.run(*loaded.session, std::span(sequences).subspan(i, 1));
    bar.update(static_cast<int64_t>(i + 1),
               static_cast<double>(i + 1) / static_cast<double>(sequences.size()));
  }
  write_safetensors(options.out, capture.named_tensors(), loaded.provenance(options.model));
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->model.add_to(app);
  app.add_option("--ids", options->ids, "JSON list of lists of token ids; each is run alone")
      ->required();
  std::string names;
  for (const std::string& name : Capture::stage_names()) names += (names.empty() ? "" : ",") + name;
  app.add_option("--stages", options->stages, "Comma-separated: " + names)->capture_default_str();
  app.add_option("--out", options->out, "A .safetensors file; rows of all sequences in order")
      ->required();
  return [options] { forward(*options); };
}

}  // namespace

extern const Command kForwardCommand = {"forward", "Every stage of a forward pass, as tensors",
                                        setup};

}  // namespace expertoire::cli
