#include "tokenizer/chat_template.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/jinja_error.h"
#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_parser.h"

namespace expertoire {
namespace {

using jinja::Context;
using jinja::None;
using jinja::Scope;
using jinja::Text;
using jinja::Value;

constexpr size_t kMaxSource = size_t{1} << 20;  // bytes

void check_text(std::string_view text, ErrorCode code, const std::string& what) {
  const size_t bad = first_invalid_utf8(text);
  if (bad == text.size()) return;
  throw Error(code, {"running the chat template",
                     fmt::format("{} has a byte that is not UTF-8 at offset {}", what, bad),
                     "UTF-8 text", ""});
}

Value message_list(Context& context, const std::vector<ChatMessage>& messages) {
  std::vector<Value> list;
  for (size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    const std::string what = fmt::format("message {}", i);
    check_text(message.role, ErrorCode::kInvalidArgument, what);
    check_text(message.content, ErrorCode::kInvalidArgument, what);
    list.push_back(
        context.dict({{"role", Text(message.role)}, {"content", Text(message.content)}}));
  }
  return context.list(std::move(list));
}

// The names that transformers gives to a template.
void define(Context& context, Scope& globals, const std::vector<ChatMessage>& messages,
            const ChatOptions& options) {
  auto& variables = globals.variables;
  variables["messages"] = message_list(context, messages);
  variables["tools"] = None();
  variables["documents"] = None();
  variables["add_generation_prompt"] = options.add_generation_prompt;
  if (!options.bos_token.empty()) variables["bos_token"] = Text(options.bos_token);
  if (!options.eos_token.empty()) variables["eos_token"] = Text(options.eos_token);
  for (const auto& [name, value] : options.variables) {
    if (const std::string* text = std::get_if<std::string>(&value)) {
      check_text(*text, ErrorCode::kInvalidArgument, "the variable " + name);
      variables[name] = Text(*text);
    } else if (const bool* flag = std::get_if<bool>(&value)) {
      variables[name] = *flag;
    } else {
      variables[name] = std::get<int64_t>(value);
    }
  }
}

}  // namespace

std::string render_chat(std::string_view chat_template, const std::vector<ChatMessage>& messages,
                        const ChatOptions& options) {
  if (chat_template.size() > kMaxSource) {
    jinja::throw_limit(1, fmt::format("{} bytes of template", chat_template.size()),
                       fmt::format("at most {}", kMaxSource));
  }
  check_text(chat_template, ErrorCode::kBadFile, "the template");
  if (messages.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"running the chat template", "no messages", "at least one", ""});
  }
  const jinja::Body body = jinja::parse(chat_template);
  Context context;
  Scope globals;
  define(context, globals, messages, options);
  return jinja::Interpreter(context, globals).run(body);
}

}  // namespace expertoire
