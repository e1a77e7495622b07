#include "tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"
#include "io/json.h"
#include "io/refuse.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/open_tail.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/spec.h"
#include "tokenizer/special_tokens.h"
#include "tokenizer/token_decoder.h"

namespace expertoire {

using nlohmann::json;

struct Tokenizer::Impl {
  std::string name;  // of the file, for messages
  std::vector<AddedToken> added;
  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<Bpe> bpe;
  std::unique_ptr<TokenDecoder> decoder;
  OpenTail tail = OpenTail::kCharacter;
  std::unique_ptr<AddedTokenMatcher> raw_matcher;
  std::unique_ptr<AddedTokenMatcher> normalized_matcher;
  SpecialTokens special;
  std::vector<std::string> tokens;  // by id
  std::vector<bool> is_special;     // by id
  std::unordered_map<std::string, int32_t> added_ids;
  std::string chat_template;

  void read(const json& root);  // tokenizer.json

  void name_token(int32_t id, const std::string& text) {
    if (tokens.size() <= static_cast<size_t>(id)) tokens.resize(static_cast<size_t>(id) + 1);
    tokens[static_cast<size_t>(id)] = text;
  }

  std::optional<int32_t> find(std::string_view token) const {
    const auto found = added_ids.find(std::string(token));
    return found != added_ids.end() ? found->second : bpe->find(token);
  }

  void encode(std::string_view text, std::vector<int32_t>& ids) const {
    for (const AddedTokenMatcher::Piece& piece : raw_matcher->split(text)) {
      if (piece.id >= 0) {
        ids.push_back(piece.id);
      } else {
        encode_piece(piece.text, piece.text.data() == text.data(), ids);
      }
    }
  }

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

// A chat template is text, or a list of named ones whose "default" counts.
std::string read_chat_template(const json& config) {
  const json& value = tokenizer_json::at(config, "chat_template");
  if (!value.is_array()) return tokenizer_json::text(config, "chat_template", "");
  for (const json& named : value) {
    if (tokenizer_json::at(named, "name") == "default") {
      return tokenizer_json::text(named, "template", "");
    }
  }
  return "";
}

// Ids may have holes, but a small file must not ask for a large table.
void check_ids(const Bpe& bpe, const std::vector<AddedToken>& added) {
  const size_t count = bpe.vocab().size() + added.size();
  const auto check = [&](int32_t id, const std::string& token) {
    if (static_cast<size_t>(id) < 2 * count + 1024) return;
    tokenizer_json::bad(fmt::format("the id {} of {} among {} tokens", id, in_quotes(token), count),
                        "ids with few holes between them");
  };
  std::unordered_map<int32_t, std::string_view> token_of;
  for (const auto& [token, id] : bpe.vocab()) {
    check(id, token);
    token_of.emplace(id, token);
  }
  for (const AddedToken& token : added) {
    check(token.id, token.content);
    const std::optional<int32_t> other = bpe.find(token.content);
    const auto same = token_of.find(token.id);
    if (other.value_or(token.id) == token.id &&
        (same == token_of.end() || same->second == token.content)) {
      continue;
    }
    tokenizer_json::bad(
        fmt::format("the id {} of the added token {}, which disagrees with the vocabulary",
                    token.id, in_quotes(token.content)),
        "one token for each id");
  }
}

void check_special(const std::vector<int32_t>& ids, size_t vocab_size) {
  for (const int32_t id : ids) {
    if (static_cast<size_t>(id) < vocab_size) continue;
    tokenizer_json::bad(fmt::format("the id {} in the post_processor", id),
                        "an id of the vocabulary");
  }
}

}  // namespace

void Tokenizer::Impl::read(const json& root) {
  if (!root.is_object()) tokenizer_json::bad(in_short(root) + ", no object", "an object");
  const auto part = [&](const char* key) -> const json& { return tokenizer_json::at(root, key); };
  added = read_added_tokens(part("added_tokens"));
  normalizer = make_normalizer(part("normalizer"));
  pre_tokenizer = make_pre_tokenizer(part("pre_tokenizer"));
  bpe = std::make_unique<Bpe>(part("model"));
  decoder = make_token_decoder(part("decoder"));
  tail = open_tail(part("decoder"));
  raw_matcher = std::make_unique<AddedTokenMatcher>(added, false, normalizer.get());
  normalized_matcher = std::make_unique<AddedTokenMatcher>(added, true, normalizer.get());
  check_ids(*bpe, added);
  for (const auto& [token, id] : bpe->vocab()) name_token(id, token);
  for (const AddedToken& token : added) {
    name_token(token.id, token.content);
    added_ids[token.content] = token.id;
  }
  is_special.resize(tokens.size());
  for (const AddedToken& token : added) is_special[static_cast<size_t>(token.id)] = token.special;
  special = read_post_processor(part("post_processor"));
  check_special(special.before, tokens.size());
  check_special(special.after, tokens.size());
}

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::from_json(std::string_view tokenizer_json, std::string_view config_json,
                               std::string_view chat_template, const std::string& name,
                               const std::string& config_name) {
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  tokenizer_json::named("reading", name, [&] { impl->read(parse_json(tokenizer_json, name)); });
  if (!config_json.empty()) {
    tokenizer_json::named("reading", config_name, [&] {
      const json config = parse_json(config_json, config_name);
      apply_tokenizer_config(
          config, [&](const std::string& token) { return impl->find(token); }, impl->special);
      impl->chat_template = read_chat_template(config);
    });
  }
  if (!chat_template.empty()) impl->chat_template = chat_template;
  return Tokenizer(std::move(impl));
}

Tokenizer Tokenizer::load(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const std::string file = fs::is_directory(path, ignored) ? path + "/tokenizer.json" : path;
  if (!fs::exists(file, ignored)) {
    throw Error(ErrorCode::kNotFound,
                {"loading the tokenizer", "no file " + file, "a tokenizer.json",
                 "token ids work without: forward --ids, generate --ids"});
  }
  const auto beside = [&](const char* name) {
    return (fs::path(file).parent_path() / name).string();
  };
  const auto text_of = [&](const std::string& name) {
    return fs::exists(name, ignored) ? read_text_file(name) : std::string();
  };
  const std::string config = beside("tokenizer_config.json");
  return from_json(read_text_file(file), text_of(config), text_of(beside("chat_template.jinja")),
                   file, config);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool add_special) const {
  if (const size_t bad = first_invalid_utf8(text); bad != text.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"tokenizing a text", fmt::format("a byte that is not UTF-8 at offset {}", bad),
                 "UTF-8 text", "convert the file to UTF-8"});
  }
  std::vector<int32_t> ids;
  if (add_special) ids = impl_->special.before;
  tokenizer_json::named("tokenizing a text with", impl_->name, [&] { impl_->encode(text, ids); });
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
  if (impl_->decoder) {
    tokenizer_json::named("decoding token ids with", impl_->name,
                          [&] { tokens = impl_->decoder->apply(std::move(tokens)); });
  }
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

bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < vocab_size() && impl_->is_special[static_cast<size_t>(id)];
}

bool Tokenizer::is_unsettled_after(int32_t id) const {
  switch (impl_->tail) {
    case OpenTail::kCharacter: return false;
    case OpenTail::kByteRun: return fallback_byte(id_to_token(id)) >= 0;
    case OpenTail::kAll: break;
  }
  return true;
}

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  return impl_->find(token);
}

std::optional<int32_t> Tokenizer::bos_id() const { return impl_->special.bos; }
std::optional<int32_t> Tokenizer::eos_id() const { return impl_->special.eos; }
std::optional<int32_t> Tokenizer::pad_id() const { return impl_->special.pad; }
const std::string& Tokenizer::chat_template() const { return impl_->chat_template; }

}  // namespace expertoire
