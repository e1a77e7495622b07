// expertoire generate
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "cli/token_experts.h"
#include "engine/generate.h"
#include "engine/generation_config.h"
#include "io/file_descriptor.h"
#include "io/token_ids.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  ModelOptions model{kExpertsModel};
  std::string prompt, ids, system;
  bool ignore_eos = false, json = false, chat = false, trace = false;
  size_t trace_experts = 5;
  GenerateOptions generate;
};

// config.json's, and generation_config.json's when it is there.
std::vector<int32_t> end_ids(const Model& model) {
  std::vector<int32_t> ids = model.config().eos_token_ids;
  const std::string path = model.folder() + "/generation_config.json";
  if (!std::filesystem::exists(path)) return ids;
  const std::vector<int32_t> more = read_stop_ids(path);
  ids.insert(ids.end(), more.begin(), more.end());
  return ids;
}

// A chat template writes BOS and the like itself.
std::vector<int32_t> prompt_ids(const Options& options, const Tokenizer& tokenizer) {
  if (!options.chat) return tokenizer.encode(options.prompt);
  std::vector<ChatMessage> messages;
  if (!options.system.empty()) messages.push_back({"system", options.system});
  messages.push_back({"user", options.prompt});
  const std::string text =
      render_chat(chat_template_of(tokenizer), messages, chat_options(tokenizer));
  return tokenizer.encode(text, false);
}

json describe(const Generated& generated, const std::vector<int32_t>& prompt) {
  return {{"ids", generated.ids},
          {"text", generated.text},
          {"finish_reason", kFinishReasonNames[static_cast<size_t>(generated.reason)]},
          {"prompt_ids", prompt}};
}

// The experts of the prompt and of what was generated, as far as the context reaches.
void trace(const Options& options, LoadedModel& loaded, const Tokenizer* tokenizer,
           const std::vector<int32_t>& prompt, const Generated& generated, json& row) {
  std::vector<int32_t> ids = prompt;
  ids.insert(ids.end(), generated.ids.begin(), generated.ids.end());
  const int64_t most = loaded.model->config().max_position_embeddings;
  ids.resize(std::min(ids.size(), static_cast<size_t>(most)));
  const auto experts = lit_experts(*loaded.session, ids, options.trace_experts);
  if (tokenizer != nullptr && !options.json) {
    const std::string lines = token_lines(*tokenizer, ids, experts, prompt.size());
    write_all(STDOUT_FILENO, "\n" + lines, "standard output");
  }
  for (const auto& of_token : experts) row["experts"].push_back(to_json(of_token));
}

void check_routes(const Model& model) {
  if (!model.config().routing_layers().empty()) return;
  throw Error(ErrorCode::kInvalidArgument,
              {"tracing", "a dense model", "a model with experts", "leave --trace out"});
}

void run(const Options& options) {
  if (options.prompt.empty() == options.ids.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"generating", options.ids.empty() ? "no prompt" : "--prompt and --ids",
                 "either --prompt TEXT or --ids FILE", ""});
  }
  LoadedModel loaded(options.model, true);
  if (options.trace) check_routes(*loaded.model);
  std::optional<Tokenizer> tokenizer;
  if (options.ids.empty() || std::filesystem::exists(loaded.model->folder() + "/tokenizer.json")) {
    tokenizer.emplace(loaded.tokenizer());
  }
  GenerateOptions generation = options.generate;
  if (!options.ignore_eos) generation.stop_ids = end_ids(*loaded.model);
  const Tokenizer* text = tokenizer ? &*tokenizer : nullptr;
  const std::vector<std::vector<int32_t>> prompts =
      options.ids.empty() ? std::vector<std::vector<int32_t>>{prompt_ids(options, *tokenizer)}
                          : read_ids(options.ids);
  const bool plain = !options.json && text != nullptr;
  for (const std::vector<int32_t>& prompt : prompts) {
    const auto show = [&](const std::string& piece) {
      if (plain) write_all(STDOUT_FILENO, piece, "standard output");
    };
    const Generated generated = generate(*loaded.session, text, prompt, generation, show);
    if (plain) show("\n");
    json row = describe(generated, prompt);
    if (options.trace) trace(options, loaded, text, prompt, generated, row);
    row.update(loaded.edit);
    if (!plain) print_json(row);
  }
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  GenerateOptions& generate = options->generate;
  options->model.add_to(app);
  auto* prompt = app.add_option("--prompt", options->prompt, "Text to continue");
  app.add_option("--ids", options->ids, "Or a JSON list of lists of token ids");
  auto* chat =
      app.add_flag("--chat", options->chat, "The prompt is a user's message (chat template)")
          ->needs(prompt);
  app.add_option("--system", options->system, "System message of a chat")->needs(chat);
  app.add_option("--max-tokens", generate.max_tokens, "Most new tokens")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--temperature", generate.sampler.temperature, "0 = greedy")
      ->capture_default_str();
  app.add_option("--top-k", generate.sampler.top_k, "0 = all")->capture_default_str();
  app.add_option("--top-p", generate.sampler.top_p, "1 = all")->capture_default_str();
  app.add_option("--seed", generate.sampler.seed, "Of the draws")->capture_default_str();
  add_repeatable(app, "--stop", generate.stop_strings, "Text to stop before");
  app.add_flag("--ignore-eos", options->ignore_eos, "Go on after the end of the sequence");
  auto* trace = app.add_flag("--trace", options->trace,
                             "Then the experts of each token, the prompt's and the new ones (+)");
  app.add_option("--trace-experts", options->trace_experts, "Experts shown of each token")
      ->check(CLI::Range(1, 1000))
      ->needs(trace)
      ->capture_default_str();
  app.add_flag("--json", options->json, "One JSON object a prompt");
  return [options] { run(*options); };
}

}  // namespace

extern const Command kGenerateCommand = {"generate", "Continue a text", setup};

}  // namespace expertoire::cli
