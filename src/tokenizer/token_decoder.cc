#include "tokenizer/token_decoder.h"

#include <fmt/format.h>

#include <functional>
#include <numeric>

#include "base/utf8.h"
#include "io/json.h"
#include "io/refuse.h"
#include "tokenizer/pattern.h"
#include "tokenizer/spec.h"
#include "tokenizer/unicode.h"

namespace expertoire {
namespace {

using tokenizer_json::json;
using Tokens = std::vector<std::string>;

class Step final : public TokenDecoder {
 public:
  explicit Step(std::function<Tokens(Tokens)> function) : function_(std::move(function)) {}
  Tokens apply(Tokens tokens) const override { return function_(std::move(tokens)); }

 private:
  std::function<Tokens(Tokens)> function_;
};

// The bytes that a token spells; a token with any other character stands for itself.
std::string spelled_bytes(const std::string& token) {
  std::string bytes;
  for (size_t i = 0; i < token.size(); i += utf8_length(token[i])) {
    const int byte = character_byte(utf8_front(std::string_view(token).substr(i)));
    if (byte < 0) return token;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

Tokens byte_level(Tokens tokens) {
  std::string bytes;
  for (const std::string& token : tokens) bytes += spelled_bytes(token);
  return {lossy_utf8(bytes)};
}

// Runs of byte tokens become characters if they are UTF-8 as a whole, else one U+FFFD a byte.
Tokens byte_fallback(Tokens tokens) {
  Tokens out;
  std::string run;
  const auto flush = [&] {
    if (run.empty()) return;
    if (first_invalid_utf8(run) == run.size()) {
      out.push_back(run);
    } else {
      for (size_t i = 0; i < run.size(); ++i) out.emplace_back("\xef\xbf\xbd");
    }
    run.clear();
  };
  for (std::string& token : tokens) {
    if (const int byte = fallback_byte(token); byte >= 0) {
      run.push_back(static_cast<char>(byte));
    } else {
      flush();
      out.push_back(std::move(token));
    }
  }
  flush();
  return out;
}

Tokens fuse(Tokens tokens) {
  return {std::accumulate(tokens.begin(), tokens.end(), std::string())};
}

// Takes up to `count` times `content` off one end.
void strip_front(std::string& token, const std::string& content, int64_t count) {
  for (; count > 0 && token.starts_with(content); --count) token.erase(0, content.size());
}
void strip_back(std::string& token, const std::string& content, int64_t count) {
  for (; count > 0 && token.ends_with(content); --count)
    token.resize(token.size() - content.size());
}

int64_t count_of(const json& component, const char* key) {
  const json& value = tokenizer_json::at(component, key);
  if (value.is_null()) return 0;
  if (!value.is_number_integer() || value < 0 || value > 1000) {
    tokenizer_json::bad(fmt::format("{} is {}", key, in_short(value)),
                        "a whole number from 0 to 1000");
  }
  return value.get<int64_t>();
}

std::function<Tokens(Tokens)> make_strip(const json& component) {
  const std::string content = tokenizer_json::character(component, "content", " ");
  return [content, start = count_of(component, "start"),
          stop = count_of(component, "stop")](Tokens tokens) {
    for (std::string& token : tokens) {
      strip_front(token, content, start);
      strip_back(token, content, stop);
    }
    return tokens;
  };
}

std::function<Tokens(Tokens)> make_replace(const json& component) {
  auto pattern = std::make_shared<Pattern>(tokenizer_json::at(component, "pattern"));
  return [pattern, content = tokenizer_json::text(component, "content", "")](Tokens tokens) {
    for (std::string& token : tokens) token = pattern->replace_all(token, content);
    return tokens;
  };
}

std::function<Tokens(Tokens)> make_metaspace(const json& component) {
  const std::string space = tokenizer_json::character(component, "replacement", "\xe2\x96\x81");
  const std::string scheme = tokenizer_json::prepend_scheme(component);
  return [space, scheme](Tokens tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      // Of the first token every one goes, not only the one that encoding put in front.
      const std::string instead = i == 0 && scheme != "never" ? "" : " ";
      std::string text;
      for (size_t at = 0; at < tokens[i].size();) {
        const bool here = tokens[i].compare(at, space.size(), space) == 0;
        here ? text += instead : text += tokens[i][at];
        at += here ? space.size() : 1;
      }
      tokens[i] = std::move(text);
    }
    return tokens;
  };
}

std::function<Tokens(Tokens)> make_sequence(const json& component) {
  std::vector<std::shared_ptr<TokenDecoder>> parts;
  for (const json& part : tokenizer_json::list(component, "decoders")) {
    parts.push_back(make_token_decoder(part));
    if (parts.back() == nullptr) tokenizer_json::bad("a null in a Sequence", "a decoder");
  }
  return [parts](Tokens tokens) {
    const size_t before = tokenizer_json::total_size(tokens);
    for (const auto& part : parts) {
      tokens = part->apply(std::move(tokens));
      tokenizer_json::check_growth("decoder", before, tokenizer_json::total_size(tokens));
    }
    return tokens;
  };
}

}  // namespace

int fallback_byte(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  const size_t bad = token.find_first_not_of("0123456789abcdefABCDEF", 3);
  return bad == 5 ? std::stoi(token.substr(3, 2), nullptr, 16) : -1;
}

std::unique_ptr<TokenDecoder> make_token_decoder(const json& component) {
  if (component.is_null()) return nullptr;
  const std::string type = tokenizer_json::type_of(component, "decoder");
  std::function<Tokens(Tokens)> step;
  if (type == "ByteLevel") step = byte_level;
  if (type == "ByteFallback") step = byte_fallback;
  if (type == "Fuse") step = fuse;
  if (type == "Replace") step = make_replace(component);
  if (type == "Strip") step = make_strip(component);
  if (type == "Metaspace") step = make_metaspace(component);
  if (type == "Sequence") step = make_sequence(component);
  if (!step) tokenizer_json::unsupported("the decoder " + in_quotes(type));
  return std::make_unique<Step>(std::move(step));
}

}  // namespace expertoire
