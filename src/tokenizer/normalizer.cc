#include "tokenizer/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "base/error.h"
#include "io/refuse.h"
#include "tokenizer/pattern.h"
#include "tokenizer/spec.h"
#include "tokenizer/unicode.h"

namespace expertoire {
namespace {

using tokenizer_json::json;

class Function final : public Normalizer {
 public:
  explicit Function(std::function<std::string(std::string)> function)
      : function_(std::move(function)) {}
  std::string apply(std::string text) const override { return function_(std::move(text)); }

 private:
  std::function<std::string(std::string)> function_;
};

using CodePoints = std::vector<utf8proc_int32_t>;

[[noreturn]] void refuse_text(utf8proc_ssize_t error) {
  throw Error(ErrorCode::kInvalidArgument,
              {"normalising a text", utf8proc_errmsg(error), "UTF-8 text", ""});
}

CodePoints decomposed(const std::string& text, utf8proc_option_t options) {
  constexpr utf8proc_ssize_t kMost = 32;  // of one character; Unicode's longest has 18
  CodePoints result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); i += utf8_length(text[i])) {
    const uint32_t c = utf8_front(std::string_view(text).substr(i));
    utf8proc_int32_t parts[kMost];
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, kMost, options, nullptr);
    if (count < 0 || count > kMost) refuse_text(count);
    result.insert(result.end(), parts, parts + count);
  }
  return result;
}

// Unicode's canonical order: runs of marks by their combining class. (utf8proc_map() swaps
// neighbours, which takes time that grows with the square of a run.)
void order_marks(CodePoints& text) {
  const auto rank = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
  const auto is_mark = [&](utf8proc_int32_t c) { return rank(c) != 0; };
  for (auto at = text.begin(); at != text.end();) {
    const auto begin = std::find_if(at, text.end(), is_mark);
    at = std::find_if_not(begin, text.end(), is_mark);
    std::stable_sort(begin, at, [&](auto a, auto b) { return rank(a) < rank(b); });
  }
}

std::string map_unicode(const std::string& text, utf8proc_option_t options) {
  CodePoints characters = decomposed(text, options);
  order_marks(characters);
  const auto size = static_cast<utf8proc_ssize_t>(characters.size());
  const utf8proc_ssize_t count = utf8proc_normalize_utf32(characters.data(), size, options);
  if (count < 0) refuse_text(count);
  characters.resize(static_cast<size_t>(count));
  std::string result;
  result.reserve(text.size());
  for (utf8proc_int32_t c : characters) append_utf8(static_cast<uint32_t>(c), result);
  return result;
}

bool ascii(const std::string& text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

std::function<std::string(std::string)> unicode_form(int options) {
  return [options](std::string text) {
    // Both ways decompose first; COMPOSE puts together again.
    const int all = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | options;
    return ascii(text) ? text : map_unicode(text, static_cast<utf8proc_option_t>(all));
  };
}

std::string lowercase(std::string text) {
  std::string lower;
  for (size_t i = 0; i < text.size(); i += utf8_length(text[i])) {
    const uint32_t c = utf8_front(std::string_view(text).substr(i));
    if (c == 0x130) {  // İ: the one letter whose lower case is two characters
      lower += "i\xcc\x87";
      continue;
    }
    append_utf8(static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))), lower);
  }
  return lower;
}

std::string strip(std::string text, bool left, bool right) {
  size_t begin = text.size();
  size_t end = 0;
  for (size_t i = 0; i < text.size(); i += utf8_length(text[i])) {
    if (is_white_space(utf8_front(std::string_view(text).substr(i)))) continue;
    if (begin == text.size()) begin = i;
    end = i + utf8_length(text[i]);
  }
  if (!left) begin = 0;
  if (!right) end = text.size();
  return begin < end ? text.substr(begin, end - begin) : "";
}

std::function<std::string(std::string)> make_function(const json& component,
                                                      const std::string& type) {
  if (type == "NFC") return unicode_form(UTF8PROC_COMPOSE);
  if (type == "NFD") return unicode_form(UTF8PROC_DECOMPOSE);
  if (type == "NFKC") return unicode_form(UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  if (type == "NFKD") return unicode_form(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  if (type == "Lowercase") return lowercase;
  if (type == "Prepend") {
    return [prefix = tokenizer_json::text(component, "prepend", "")](std::string text) {
      return text.empty() ? text : prefix + text;
    };
  }
  if (type == "Replace") {
    auto pattern = std::make_shared<Pattern>(tokenizer_json::at(component, "pattern"));
    return [pattern, content = tokenizer_json::text(component, "content", "")](
               const std::string& text) { return pattern->replace_all(text, content); };
  }
  if (type == "Strip") {
    return [left = tokenizer_json::boolean(component, "strip_left", true),
            right = tokenizer_json::boolean(component, "strip_right", true)](std::string text) {
      return strip(std::move(text), left, right);
    };
  }
  tokenizer_json::unsupported("the normalizer " + in_quotes(type));
}

}  // namespace

std::unique_ptr<Normalizer> make_normalizer(const json& component) {
  if (component.is_null()) return nullptr;
  const std::string type = tokenizer_json::type_of(component, "normalizer");
  if (type != "Sequence") return std::make_unique<Function>(make_function(component, type));
  std::vector<std::shared_ptr<Normalizer>> parts;
  for (const json& part : tokenizer_json::list(component, "normalizers")) {
    parts.push_back(make_normalizer(part));
    if (parts.back() == nullptr) tokenizer_json::bad("a null in a Sequence", "a normalizer");
  }
  return std::make_unique<Function>([parts](std::string text) {
    const size_t before = text.size();
    for (const auto& part : parts) {
      text = part->apply(std::move(text));
      tokenizer_json::check_growth("normalizer", before, text.size());
    }
    return text;
  });
}

}  // namespace expertoire
