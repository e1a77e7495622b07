#include "tokenizer/pre_tokenizer.h"

#include <optional>
#include <string_view>
#include <utility>

#include "io/refuse.h"
#include "tokenizer/pattern.h"
#include "tokenizer/regex_syntax.h"
#include "tokenizer/spec.h"
#include "tokenizer/unicode.h"

namespace expertoire {
namespace {

using tokenizer_json::json;

// What becomes of the matches of a Split.
enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

Behavior behavior_of(const std::string& name) {
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  tokenizer_json::bad("the behavior " + in_quotes(name),
                      "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

struct Part {
  std::string text;
  bool matched;
};

std::vector<Part> parts_of(const Pattern& pattern, const std::string& text, bool invert) {
  std::vector<Part> parts;
  size_t at = 0;
  const auto put = [&](size_t begin, size_t end, bool matched) {
    if (begin < end) parts.push_back({text.substr(begin, end - begin), matched != invert});
  };
  for (const Match& match : pattern.find_all(text)) {
    put(at, match.begin, false);
    put(match.begin, match.end, true);
    at = match.end;
  }
  put(at, text.size(), false);
  return parts;
}

void join(std::vector<Part> parts, Behavior behavior, std::vector<std::string>& out) {
  bool glue = false;  // does the next part continue the last piece?
  for (size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    const bool before = i > 0 && parts[i - 1].matched;
    switch (behavior) {
      case Behavior::kRemoved:
        if (part.matched) continue;
        glue = false;
        break;
      case Behavior::kIsolated: glue = false; break;
      case Behavior::kMergedWithPrevious: glue = part.matched && i > 0 && !before; break;
      case Behavior::kMergedWithNext: glue = !part.matched && before; break;
      case Behavior::kContiguous: glue = i > 0 && part.matched == before; break;
    }
    if (glue) {
      out.back() += part.text;
    } else {
      out.push_back(std::move(part.text));
    }
  }
}

class Split final : public PreTokenizer {
 public:
  Split(Pattern pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void apply(std::vector<std::string>& pieces, bool /*first*/) const override {
    std::vector<std::string> finer;
    for (const std::string& piece : pieces) {
      join(parts_of(pattern_, piece, invert_), behavior_, finer);
    }
    pieces = std::move(finer);
  }

 private:
  Pattern pattern_;
  Behavior behavior_;
  bool invert_;
};

// GPT-2's pattern, from openai/gpt-2's encoder.py.
constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex) : add_prefix_space_(add_prefix_space) {
    if (use_regex) split_.emplace(Pattern(Regex(kGpt2Pattern)), Behavior::kIsolated, false);
  }

  void apply(std::vector<std::string>& pieces, bool first) const override {
    if (add_prefix_space_) {
      for (std::string& piece : pieces) {
        if (!piece.empty() && !piece.starts_with(' ')) piece.insert(piece.begin(), ' ');
      }
    }
    if (split_) split_->apply(pieces, first);
    for (std::string& piece : pieces) piece = spelled(piece);
  }

 private:
  static std::string spelled(const std::string& piece) {
    std::string out;
    out.reserve(piece.size() * 2);
    for (char c : piece) append_utf8(byte_characters()[static_cast<uint8_t>(c)], out);
    return out;
  }
  bool add_prefix_space_;
  std::optional<Split> split_;
};

class Metaspace final : public PreTokenizer {
 public:
  Metaspace(std::string replacement, std::string prepend_scheme, bool split)
      : replacement_(std::move(replacement)), scheme_(std::move(prepend_scheme)), split_(split) {}

  void apply(std::vector<std::string>& pieces, bool first) const override {
    std::vector<std::string> finer;
    for (size_t i = 0; i < pieces.size(); ++i) {
      std::string text;
      for (char c : pieces[i]) c == ' ' ? text += replacement_ : text += c;
      const bool prepend = scheme_ == "always" || (scheme_ == "first" && first && i == 0);
      if (prepend && !text.empty() && !text.starts_with(replacement_)) text.insert(0, replacement_);
      cut(text, finer);
    }
    pieces = std::move(finer);
  }

 private:
  // Before every replacement character, when splitting.
  void cut(const std::string& text, std::vector<std::string>& out) const {
    size_t begin = 0;
    while (split_ && begin < text.size()) {
      const size_t next = text.find(replacement_, begin + 1);
      if (next == std::string::npos) break;
      out.push_back(text.substr(begin, next - begin));
      begin = next;
    }
    if (begin < text.size()) out.push_back(text.substr(begin));
  }
  std::string replacement_;
  std::string scheme_;
  bool split_;
};

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> parts) : parts_(std::move(parts)) {}
  void apply(std::vector<std::string>& pieces, bool first) const override {
    const size_t before = tokenizer_json::total_size(pieces);
    for (const auto& part : parts_) {
      part->apply(pieces, first);
      tokenizer_json::check_growth("pre_tokenizer", before, tokenizer_json::total_size(pieces));
    }
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

std::unique_ptr<PreTokenizer> split_by(const char* regex, Behavior behavior) {
  return std::make_unique<Split>(Pattern(Regex(regex)), behavior, false);
}

std::unique_ptr<PreTokenizer> make_metaspace(const json& component) {
  return std::make_unique<Metaspace>(
      tokenizer_json::character(component, "replacement", "\xe2\x96\x81"),
      tokenizer_json::prepend_scheme(component), tokenizer_json::boolean(component, "split", true));
}

std::unique_ptr<PreTokenizer> make_sequence(const json& component) {
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  for (const json& part : tokenizer_json::list(component, "pretokenizers")) {
    parts.push_back(make_pre_tokenizer(part));
    if (parts.back() == nullptr) tokenizer_json::bad("a null in a Sequence", "a pre-tokenizer");
  }
  return std::make_unique<Sequence>(std::move(parts));
}

}  // namespace

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const json& component) {
  if (component.is_null()) return nullptr;
  const std::string type = tokenizer_json::type_of(component, "pre_tokenizer");
  const auto flag = [&](const char* key, bool otherwise) {
    return tokenizer_json::boolean(component, key, otherwise);
  };
  const auto behavior = [&](const char* otherwise) {
    return behavior_of(tokenizer_json::text(component, "behavior", otherwise));
  };
  if (type == "Sequence") return make_sequence(component);
  if (type == "ByteLevel") {
    return std::make_unique<ByteLevel>(flag("add_prefix_space", true), flag("use_regex", true));
  }
  if (type == "Split") {
    return std::make_unique<Split>(Pattern(tokenizer_json::at(component, "pattern")),
                                   behavior("Isolated"), flag("invert", false));
  }
  if (type == "Digits") {
    return split_by(flag("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)",
                    Behavior::kIsolated);
  }
  if (type == "Metaspace") return make_metaspace(component);
  if (type == "Whitespace") {
    const std::string word = kRustWord;
    return std::make_unique<Split>(Pattern(Regex("[" + word + "]+|[^" + word + "\\s]+")),
                                   Behavior::kRemoved, true);
  }
  if (type == "WhitespaceSplit") return split_by(R"(\s+)", Behavior::kRemoved);
  if (type == "Punctuation") {
    return std::make_unique<Split>(Pattern(Regex(R"([\p{P}$+<=>^`|~])")), behavior("Isolated"),
                                   false);
  }
  tokenizer_json::unsupported("the pre_tokenizer " + in_quotes(type));
}

}  // namespace expertoire
