// expertoire chat-template
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "base/error.h"
#include "cli/command.h"
#include "cli/common.h"
#include "engine/shipped.h"
#include "io/file_descriptor.h"
#include "io/json.h"
#include "tokenizer/chat_template.h"

namespace expertoire::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string model{kEmbeddingModel}, file, messages, bos, eos;
  std::vector<std::string> variables;
  bool no_generation_prompt = false;
};

std::vector<ChatMessage> read_messages(const std::string& path) {
  const auto refuse = [&](const std::string& found) {
    throw Error(
        ErrorCode::kBadFile,
        {"reading " + path, found, R"(a list of messages, {"role": "user", "content": "…"})", ""});
  };
  const json root = read_json_file(path);
  if (!root.is_array()) refuse("no list");
  std::vector<ChatMessage> messages;
  for (const json& item : root) {
    const auto text = [&](const char* key) {
      const json value = item.is_object() ? item.value(key, json()) : json();
      if (!value.is_string()) refuse(fmt::format("a message without a text {}", key));
      return value.get<std::string>();
    };
    messages.push_back({text("role"), text("content")});
    if (item.size() != 2) refuse("a message with more than role and content");
  }
  return messages;
}

// name=value; true, false and whole numbers are what they look like.
void add_variable(const std::string& text, ChatOptions& options) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading --var", "\"" + text + "\"", "name=value", ""});
  }
  const std::string name = text.substr(0, equals);
  const std::string value = text.substr(equals + 1);
  int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, number);
  if (value == "true" || value == "false") {
    options.variables[name] = value == "true";
  } else if (parsed.ec == std::errc() && parsed.ptr == end) {
    options.variables[name] = number;
  } else {
    options.variables[name] = value;
  }
}

void run(const Options& options) {
  ChatOptions chat;
  std::string text;
  if (options.file.empty()) {
    const Tokenizer tokenizer = Tokenizer::load(model_folder(options.model));
    chat = chat_options(tokenizer);
    text = chat_template_of(tokenizer);
  } else {
    text = read_text_file(options.file);
  }
  if (!options.bos.empty()) chat.bos_token = options.bos;
  if (!options.eos.empty()) chat.eos_token = options.eos;
  chat.add_generation_prompt = !options.no_generation_prompt;
  for (const std::string& variable : options.variables) add_variable(variable, chat);
  const std::string prompt = render_chat(text, read_messages(options.messages), chat);
  write_all(STDOUT_FILENO, prompt, "standard output");
}

std::function<void()> setup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* file = app.add_option("--template", options->file, "File with a Jinja chat template");
  app.add_option("--model", options->model,
                 "Or a model folder or org/name, for its template and tokens")
      ->excludes(file);
  app.add_option("--messages", options->messages,
                 R"(JSON file: a list of {"role": "user", "content": "…"})")
      ->required();
  app.add_flag("--no-generation-prompt", options->no_generation_prompt,
               "End after the last message");
  app.add_option("--bos", options->bos, "Text of the token bos_token");
  app.add_option("--eos", options->eos, "Text of the token eos_token");
  add_repeatable(app, "--var", options->variables,
                 "name=value for the template, e.g. enable_thinking=false");
  return [options] { run(*options); };
}

}  // namespace

extern const Command kChatTemplateCommand = {
    "chat-template", "Print the prompt that a chat template makes of messages", setup};

}  // namespace expertoire::cli
