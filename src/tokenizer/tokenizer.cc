#include "tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"
#include "io/json.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/spec.h"
#include "tokenizer/special_tokens.h"
#include "tokenizer/token_decoder.h"

namespace expertoire {

using nlohmann::json;

struct Tokenizer::Impl {
  std::vector<AddedToken> added;
  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<Bpe> bpe;
  std::unique_ptr<TokenDecoder> decoder;
  std::unique_ptr<AddedTokenMatcher> raw_matcher;
  std::unique_ptr<AddedTokenMatcher> normalized_matcher;
  SpecialTokens special;
  std::vector<std::string> tokens;  // by id
  std::vector<bool> is_special;     // by id
  std::unordered_map<std::string, int32_t> added_ids;
  std::string chat_template;

  void encode_words(std::string text, bool first, std::vector<int32_t>& ids) const {
    std::vector<std::string> words;
    words.push_back(std::move(text));
    if (pre_tokenizer) pre_tokenizer->apply(words, first);
    for (const std::string& word : words) bpe->encode(word, ids);
  }

  void encode_piece(std::string_view piece, bool first, std::vector<int32_t>& ids) const {
    const std::string text =
        normalizer ? normalizer->apply(std::string(piece)) : std::string(piece);
    for (const AddedTokenMatcher::Piece& part : normalized_matcher->split(text)) {
      if (part.id >= 0) {
        ids.push_back(part.id);
      } else {
        encode_words(std::string(part.text), first && part.text.data() == text.data(), ids);
      }
    }
  }
};

namespace {

void name_token(std::vector<std::string>& tokens, int32_t id, const std::string& text) {
  if (tokens.size() <= static_cast<size_t>(id)) tokens.resize(static_cast<size_t>(id) + 1);
  tokens[static_cast<size_t>(id)] = text;
}

// A chat template is text, or a list of named ones whose "default" counts.
std::string read_chat_template(const json& config) {
  const json value = config.is_object() ? config.value("chat_template", json()) : json();
  if (value.is_string()) return value.get<std::string>();
  for (const json& named : value) {
    if (named.is_object() && named.value("name", json()) == "default") {
      return tokenizer_json::text(named, "template", "");
    }
  }
  return "";
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::from_json(std::string_view tokenizer_json, std::string_view config_json,
                               std::string_view chat_template) {
  const json root = parse_json(tokenizer_json, "tokenizer.json");
  if (!root.is_object()) tokenizer_json::bad("no object", "an object");
  const json config =
      config_json.empty() ? json() : parse_json(config_json, "tokenizer_config.json");
  const auto part = [&](const char* key) { return root.value(key, json()); };
  auto impl = std::make_unique<Impl>();
  impl->added = read_added_tokens(part("added_tokens"));
  impl->normalizer = make_normalizer(part("normalizer"));
  impl->pre_tokenizer = make_pre_tokenizer(part("pre_tokenizer"));
  impl->bpe = std::make_unique<Bpe>(part("model"));
  impl->decoder = make_token_decoder(part("decoder"));
  const auto matcher = [&](bool normalized) {
    return std::make_unique<AddedTokenMatcher>(impl->added, normalized, impl->normalizer.get());
  };
  impl->raw_matcher = matcher(false);
  impl->normalized_matcher = matcher(true);
  for (const auto& [token, id] : impl->bpe->vocab()) name_token(impl->tokens, id, token);
  for (const AddedToken& token : impl->added) {
    name_token(impl->tokens, token.id, token.content);
    impl->added_ids[token.content] = token.id;
  }
  impl->is_special.resize(impl->tokens.size());
  for (const AddedToken& token : impl->added) {
    impl->is_special[static_cast<size_t>(token.id)] = token.special;
  }
  impl->special = read_special_tokens(part("post_processor"), config,
                                      [&](const std::string& token) -> std::optional<int32_t> {
                                        const auto found = impl->added_ids.find(token);
                                        if (found != impl->added_ids.end()) return found->second;
                                        return impl->bpe->find(token);
                                      });
  impl->chat_template =
      chat_template.empty() ? read_chat_template(config) : std::string(chat_template);
  return Tokenizer(std::move(impl));
}

Tokenizer Tokenizer::load(const std::string& path) {
  namespace fs = std::filesystem;
  const bool folder = fs::is_directory(path);
  const std::string file = folder ? path + "/tokenizer.json" : path;
  if (!fs::exists(file)) {
    throw Error(ErrorCode::kNotFound,
                {"loading the tokenizer", "no file " + file, "a tokenizer.json",
                 "token ids work without: forward --ids, generate --ids"});
  }
  const auto beside = [&](const char* name) {
    const fs::path candidate = fs::path(file).parent_path() / name;
    return fs::exists(candidate) ? read_text_file(candidate.string()) : std::string();
  };
  return from_json(read_text_file(file), beside("tokenizer_config.json"),
                   beside("chat_template.jinja"));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool add_special) const {
  if (const size_t bad = first_invalid_utf8(text); bad != text.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"tokenizing a text", fmt::format("a byte that is not UTF-8 at offset {}", bad),
                 "UTF-8 text", "convert the file to UTF-8"});
  }
  std::vector<int32_t> ids;
  if (add_special) ids = impl_->special.before;
  for (const AddedTokenMatcher::Piece& piece : impl_->raw_matcher->split(text)) {
    if (piece.id >= 0) {
      ids.push_back(piece.id);
    } else {
      impl_->encode_piece(piece.text, piece.text.data() == text.data(), ids);
    }
  }
  if (add_special) {
    ids.insert(ids.end(), impl_->special.after.begin(), impl_->special.after.end());
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::vector<std::string> tokens;
  for (int32_t id : ids) {
    if (id < 0 || id >= vocab_size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"decoding token ids", fmt::format("id {}", id),
                   fmt::format("ids from 0 to {}", vocab_size() - 1), ""});
    }
    if (skip_special && impl_->is_special[static_cast<size_t>(id)]) continue;
    tokens.push_back(impl_->tokens[static_cast<size_t>(id)]);
  }
  if (impl_->decoder) tokens = impl_->decoder->apply(std::move(tokens));
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!impl_->decoder && i > 0) text += ' ';
    text += tokens[i];
  }
  return text;
}

int32_t Tokenizer::vocab_size() const { return static_cast<int32_t>(impl_->tokens.size()); }

std::string Tokenizer::id_to_token(int32_t id) const {
  return id >= 0 && id < vocab_size() ? impl_->tokens[static_cast<size_t>(id)] : "";
}

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  const auto found = impl_->added_ids.find(std::string(token));
  if (found != impl_->added_ids.end()) return found->second;
  return impl_->bpe->find(token);
}

std::optional<int32_t> Tokenizer::bos_id() const { return impl_->special.bos; }
std::optional<int32_t> Tokenizer::eos_id() const { return impl_->special.eos; }
std::optional<int32_t> Tokenizer::pad_id() const { return impl_->special.pad; }
const std::string& Tokenizer::chat_template() const { return impl_->chat_template; }

}  // namespace expertoire
