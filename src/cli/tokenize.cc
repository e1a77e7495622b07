// expertoire tokenize, detokenize
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/common.h"
#include "engine/shipped.h"
#include "io/json.h"
#include "io/refuse.h"
#include "io/text_source.h"
#include "io/token_ids.h"

namespace expertoire::cli {
namespace {

struct Options {
  std::string model{kEmbeddingModel}, tokenizer, input = "-", field = "text";
  bool no_special = false, skip_special = false, json = false;

  void add_to(CLI::App& app) {
    auto* of_model =
        app.add_option("--model", model, "Model folder, org/name, or a model that ships");
    of_model->capture_default_str();
    app.add_option("--tokenizer", tokenizer, "A tokenizer.json, or a folder with one")
        ->excludes(of_model);
    app.add_option("--input", input, "File, or - for standard input")->capture_default_str();
    app.add_flag("--json", json, "One JSON object a line");
  }
  Tokenizer load() const {
    return Tokenizer::load(tokenizer.empty() ? model_folder(model) : tokenizer);
  }
};

void tokenize(const Options& options) {
  const Tokenizer tokenizer = options.load();
  TextSource texts(options.input, options.field);
  while (const auto text = texts.next()) {
    const std::vector<int32_t> ids = tokenizer.encode(*text, !options.no_special);
    if (options.json) {
      print_json({{"ids", ids}});
    } else {
      std::string line;
      for (int32_t id : ids) line += fmt::format("{} {}\n", id, tokenizer.id_to_token(id));
      fmt::print("{}\n", line);
    }
  }
}

void detokenize(const Options& options) {
  const Tokenizer tokenizer = options.load();
  LineReader lines(options.input);
  while (const auto line = lines.next()) {
    const std::string what = fmt::format("{} line {}", options.input, lines.line());
    const nlohmann::json row = parse_json(*line, what);
    const nlohmann::json ids = row.is_object() ? row.value("ids", nlohmann::json()) : row;
    const auto numbers = ids.is_array() ? token_ids(ids) : std::nullopt;
    if (!numbers) {
      bad_file(what, in_short(row), "{\"ids\": [...]} or a list of token ids",
               "write one line for each text, as tokenize --json does");
    }
    const std::string text = tokenizer.decode(*numbers, options.skip_special);
    if (options.json) {
      print_json({{"text", text}});
    } else {
      fmt::print("{}\n", text);
    }
  }
}

std::function<void()> setup_tokenize(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->add_to(app);
  app.add_option("--field", options->field, "Field of a .jsonl that holds the text")
      ->capture_default_str();
  app.add_flag("--no-special", options->no_special, "Without BOS and the like");
  return [options] { tokenize(*options); };
}

std::function<void()> setup_detokenize(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->add_to(app);
  app.add_flag("--skip-special", options->skip_special, "Leave special tokens out");
  return [options] { detokenize(*options); };
}

}  // namespace

extern const Command kTokenizeCommand = {"tokenize", "Text to token ids", setup_tokenize};
extern const Command kDetokenizeCommand = {"detokenize", "Token ids to text", setup_detokenize};

}  // namespace expertoire::cli
