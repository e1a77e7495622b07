// expertoire calibrate, prompts
#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/embed_options.h"
#include "embed/pipeline.h"
#include "io/atomic_file.h"
#include "io/text_source.h"

namespace expertoire::cli {
namespace {

struct Options {
  EmbedCliOptions embed;
  std::vector<std::string> prompts;
  std::string input, field = "text", out, name;
};

CalibrationSet fit(const Options& options, Embedder& embedder, int64_t& texts_seen) {
  MomentAccumulator hidden;
  MomentAccumulator routing;
  EmbedPipeline pipeline(embedder, options.embed.batch_tokens, [&](const EmbedParts& parts) {
    hidden.add(parts.hidden);
    routing.add(parts.routing);
  });
  TextSource texts(options.input, options.field);
  ProgressBar bar("texts");
  while (const auto text = texts.next()) {
    interrupt_token().check("calibrating");
    pipeline.add(*text);
    bar.update(hidden.count(), std::nullopt);
  }
  pipeline.flush();
  texts_seen = hidden.count();
  if (texts_seen < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                {"calibrating on " + options.input, fmt::format("{} texts", texts_seen),
                 "at least 2, better some hundreds", ""});
  }
  return {hidden.mean(), hidden.std(), routing.mean(), routing.std()};
}

void calibrate(Options options) {
  options.embed.kind = "concat";
  if (options.prompts.empty()) {
    for (const NamedPrompt& prompt : named_prompts()) options.prompts.emplace_back(prompt.name);
  }
  check_ending(options.out, {".safetensors"});
  check_writable(options.out);
  const std::string corpus_hash = file_hash(options.input);
  LoadedModel loaded(options.embed.model, false);
  const Tokenizer tokenizer = loaded.tokenizer();
  Calibration calibration;
  for (const std::string& prompt : options.prompts) {
    options.embed.prompt = prompt;
    Embedder embedder(*loaded.session, tokenizer, options.embed.parse());
    int64_t texts = 0;
    calibration.sets[prompt] = fit(options, embedder, texts);
    calibration.metadata = calibration_conditions(embedder, loaded);
    calibration.metadata["texts"] = std::to_string(texts);
  }
  calibration.metadata["corpus"] = options.name.empty() ? options.input : options.name;
  calibration.metadata["corpus_hash"] = corpus_hash;
  calibration.metadata.merge(loaded.provenance(options.embed.model));
  calibration.save(options.out);
}

std::function<void()> setup_calibrate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->embed.add_to(app);
  add_repeatable(app, "--prompt", options->prompts,
                 "A prompt to fit for (default: all named ones)");
  app.add_option("--input", options->input, "The corpus: one text a line, .jsonl or .txt")
      ->required();
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_option("--corpus-name", options->name, "What outputs call the corpus");
  app.add_option("--out", options->out, "A .safetensors file")->required();
  return [options] { calibrate(*options); };
}

void list_prompts(bool as_json) {
  for (const NamedPrompt& prompt : named_prompts()) {
    if (as_json) {
      print_json({{"name", prompt.name}, {"template", prompt.pattern}, {"from", prompt.from}});
    } else {
      fmt::print("{:18} {}\n{:18}   {}\n", prompt.name,
                 prompt.pattern.empty() ? "(the text as it is)" : prompt.pattern, "", prompt.from);
    }
  }
}

std::function<void()> setup_prompts(CLI::App& app) {
  auto as_json = std::make_shared<bool>(false);
  app.add_flag("--json", *as_json, "One JSON object a line");
  return [as_json] { list_prompts(*as_json); };
}

}  // namespace

extern const Command kCalibrateCommand = {
    "calibrate", "Fit mean and spread of every dimension on a corpus", setup_calibrate};
extern const Command kPromptsCommand = {"prompts", "The prompts that --prompt knows",
                                        setup_prompts};

}  // namespace expertoire::cli
