// Text ⇄ token ids, as the model's own tokenizer.json says.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace expertoire {

/// Immutable after loading; safe to share between threads.
class Tokenizer {
 public:
  /// `path`: a model folder (tokenizer.json and, when there, tokenizer_config.json and
  /// chat_template.jinja) or a tokenizer.json file itself.
  /// Errors: kNotFound, kBadFile, kUnsupported (a component that we do not implement, by name).
  static Tokenizer load(const std::string& path);

  /// From the texts of the files: tokenizer_config.json and chat_template.jinja may be empty. The
  /// latter wins over the config's chat_template, as in transformers. The names are for error
  /// messages.
  static Tokenizer from_json(std::string_view tokenizer_json, std::string_view config = {},
                             std::string_view chat_template = {},
                             const std::string& name = "tokenizer.json",
                             const std::string& config_name = "tokenizer_config.json");

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Ids of `text`. With `add_special`, what the tokenizer adds around a text (BOS, EOS).
  /// Errors: kInvalidArgument when the text is not UTF-8 (with the offset). Linear time.
  std::vector<int32_t> encode(std::string_view text, bool add_special = true) const;

  /// Text of `ids`; bytes that form no character become U+FFFD.
  /// Errors: kInvalidArgument for an id that does not exist.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  /// Number of ids, added tokens included (one more than the largest id).
  int32_t vocab_size() const;
  /// The token's text as it stands in the file ("Ġthe", "▁the"); empty for an unused id.
  std::string id_to_token(int32_t id) const;
  std::optional<int32_t> token_to_id(std::string_view token) const;
  /// Whether decode() may leave the id out; false for an id that does not exist.
  bool is_special(int32_t id) const;
  /// Whether the text of ids that end in this one may still change, as a whole, when ids follow:
  /// bytes of ByteFallback count as a run, and some decoders look at all of the text.
  bool is_unsettled_after(int32_t id) const;

  /// From tokenizer_config.json; absent when it names none.
  std::optional<int32_t> bos_id() const;
  std::optional<int32_t> eos_id() const;
  std::optional<int32_t> pad_id() const;
  /// Jinja source of the chat template; empty when the model has none.
  const std::string& chat_template() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

/// Turns ids that arrive one by one into text that can be shown at once: holds back what ids that
/// follow may change (an open character, a run of byte tokens; everything where the decoder looks
/// at all of the text). The concatenation of all pieces and finish() equals decode() of all ids,
/// and each piece is UTF-8. Errors: as decode().
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true);
  /// The text that this id completes (may be empty).
  std::string push(int32_t id);
  /// What was held back, at the end.
  std::string finish();

 private:
  void forget();

  const Tokenizer& tokenizer_;
  bool skip_special_;
  std::vector<int32_t> window_;  // ids given out, kept as context, and those that came since
  size_t context_ = 0;           // how many of the former
  size_t given_ = 0;             // bytes of the window's text that were given out
};

}  // namespace expertoire
