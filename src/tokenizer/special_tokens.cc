#include "tokenizer/special_tokens.h"

#include "tokenizer/spec.h"

namespace expertoire {
namespace {

using tokenizer_json::json;

void read_template(const json& processor, SpecialTokens& special) {
  const json ids = processor.value("special_tokens", json::object());
  bool text_seen = false;
  for (const json& item : tokenizer_json::list(processor, "single")) {
    if (item.is_object() && item.contains("Sequence")) {
      text_seen = true;
      continue;
    }
    const json token = item.is_object() ? item.value("SpecialToken", json()) : json();
    const std::string name = token.is_object() ? tokenizer_json::text(token, "id", "") : "";
    if (!ids.is_object() || !ids.contains(name)) {
      tokenizer_json::bad("the template item " + item.dump(), "a sequence or a known token");
    }
    for (const json& id : tokenizer_json::list(ids[name], "ids")) {
      if (!id.is_number_integer()) tokenizer_json::bad("the id " + id.dump(), "a whole number");
      (text_seen ? special.after : special.before).push_back(id.get<int32_t>());
    }
  }
}

void read_post_processor(const json& processor, SpecialTokens& special) {
  if (processor.is_null()) return;
  const std::string type = tokenizer_json::type_of(processor, "post_processor");
  if (type == "Sequence") {
    for (const json& part : tokenizer_json::list(processor, "processors")) {
      read_post_processor(part, special);
    }
  } else if (type == "TemplateProcessing") {
    read_template(processor, special);
  } else if (type != "ByteLevel") {  // ByteLevel moves offsets only
    tokenizer_json::unsupported("the post_processor " + type);
  }
}

// A token of the config: its text, or an object with its content.
std::optional<int32_t> role(const json& config, const char* key, const TokenLookup& lookup) {
  const json value = config.is_object() ? config.value(key, json()) : json();
  if (value.is_string()) return lookup(value.get<std::string>());
  if (value.is_object()) return lookup(tokenizer_json::text(value, "content", ""));
  return std::nullopt;
}

}  // namespace

SpecialTokens read_special_tokens(const json& post_processor, const json& config,
                                  const TokenLookup& lookup) {
  SpecialTokens special;
  read_post_processor(post_processor, special);
  special.bos = role(config, "bos_token", lookup);
  special.eos = role(config, "eos_token", lookup);
  special.pad = role(config, "pad_token", lookup);
  if (!config.is_object()) return special;
  const std::string kind = tokenizer_json::text(config, "tokenizer_class", "");
  const bool llama = kind == "LlamaTokenizer" || kind == "LlamaTokenizerFast";
  const bool add_bos = tokenizer_json::boolean(config, "add_bos_token", llama);
  const bool add_eos = tokenizer_json::boolean(config, "add_eos_token", false);
  if (llama) {
    special.before.clear();
    special.after.clear();
  }
  const auto starts = !special.before.empty() && special.before.front() == special.bos;
  const auto ends = !special.after.empty() && special.after.back() == special.eos;
  if (add_bos && special.bos && !starts) {
    special.before.insert(special.before.begin(), *special.bos);
  }
  if (add_eos && special.eos && !ends) special.after.push_back(*special.eos);
  return special;
}

}  // namespace expertoire
