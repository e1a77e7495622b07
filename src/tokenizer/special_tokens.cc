#include "tokenizer/special_tokens.h"

#include <fmt/format.h>

#include "io/json.h"
#include "io/refuse.h"
#include "tokenizer/spec.h"

namespace expertoire {
namespace {

using tokenizer_json::json;

void read_template(const json& processor, SpecialTokens& special) {
  const json& tokens = tokenizer_json::at(processor, "special_tokens");
  bool text_seen = false;
  for (const json& item : tokenizer_json::list(processor, "single")) {
    if (!tokenizer_json::at(item, "Sequence").is_null()) {
      text_seen = true;
      continue;
    }
    const json& token = tokenizer_json::at(item, "SpecialToken");
    const std::string name = tokenizer_json::text(token, "id", "");
    const json& known = tokenizer_json::at(tokens, name.c_str());
    if (known.is_null()) {
      tokenizer_json::bad("the template item " + in_short(item), "a sequence or a known token");
    }
    for (const json& value : tokenizer_json::list(known, "ids")) {
      const int32_t id = tokenizer_json::id(value, in_quotes(name));
      (text_seen ? special.after : special.before).push_back(id);
    }
  }
}

void read_processor(const json& processor, SpecialTokens& special) {
  if (processor.is_null()) return;
  const std::string type = tokenizer_json::type_of(processor, "post_processor");
  if (type == "Sequence") {
    for (const json& part : tokenizer_json::list(processor, "processors")) {
      read_processor(part, special);
    }
  } else if (type == "TemplateProcessing") {
    read_template(processor, special);
  } else if (type != "ByteLevel") {  // ByteLevel moves offsets only
    tokenizer_json::unsupported("the post_processor " + in_quotes(type));
  }
}

// A token of the config: its text, or an object with its content.
std::optional<int32_t> role(const json& config, const char* key, const TokenLookup& lookup) {
  const json& value = tokenizer_json::at(config, key);
  if (value.is_object()) return lookup(tokenizer_json::text(value, "content", ""));
  if (value.is_null()) return std::nullopt;
  return lookup(tokenizer_json::text(config, key, ""));
}

int32_t needed(const std::optional<int32_t>& id, const json& config, const char* key) {
  if (!id) {
    tokenizer_json::bad(fmt::format("{} is {}, and is to be added to texts", key,
                                    in_short(tokenizer_json::at(config, key))),
                        "a token of tokenizer.json");
  }
  return *id;
}

}  // namespace

SpecialTokens read_post_processor(const json& post_processor) {
  SpecialTokens special;
  read_processor(post_processor, special);
  return special;
}

void apply_tokenizer_config(const json& config, const TokenLookup& lookup, SpecialTokens& special) {
  if (config.is_null()) return;
  if (!config.is_object()) tokenizer_json::bad(in_short(config) + ", no object", "an object");
  special.bos = role(config, "bos_token", lookup);
  special.eos = role(config, "eos_token", lookup);
  special.pad = role(config, "pad_token", lookup);
  const std::string kind = tokenizer_json::text(config, "tokenizer_class", "");
  const bool llama = kind == "LlamaTokenizer" || kind == "LlamaTokenizerFast";
  if (llama) {
    special.before.clear();
    special.after.clear();
  }
  if (tokenizer_json::boolean(config, "add_bos_token", llama)) {
    const int32_t bos = needed(special.bos, config, "bos_token");
    const bool starts = !special.before.empty() && special.before.front() == bos;
    if (!starts) special.before.insert(special.before.begin(), bos);
  }
  if (tokenizer_json::boolean(config, "add_eos_token", false)) {
    const int32_t eos = needed(special.eos, config, "eos_token");
    const bool ends = !special.after.empty() && special.after.back() == eos;
    if (!ends) special.after.push_back(eos);
  }
}

}  // namespace expertoire
