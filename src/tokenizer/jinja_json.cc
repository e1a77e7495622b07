// The filter tojson.
#include <fmt/format.h>

#include "tokenizer/jinja_library.h"

namespace expertoire::jinja {
namespace {

// Nesting is bounded by kMaxValueDepth.
class Writer {
 public:
  explicit Writer(Context& context) : context_(context) {}

  void value(const Value& value) {
    context_.work();
    context_.check(out.size());
    if (is<None>(value)) {
      out += "null";
    } else if (const bool* flag = as<bool>(value)) {
      out += *flag ? "true" : "false";
    } else if (const int64_t* number = as<int64_t>(value)) {
      out += std::to_string(*number);
    } else if (const Text* text = as<Text>(value)) {
      string(*text);
    } else if (const auto* list = as<const Sequence*>(value)) {
      array((*list)->items);
    } else if (const auto* dict = as<const Dict*>(value)) {
      object((*dict)->items);
    } else {
      context_.raise(fmt::format("tojson of {}", type_name(value)));
    }
  }

  std::string out;

 private:
  void string(Text text) {
    static constexpr Text kEscaped = "\"\\\b\f\n\r\t";
    static constexpr Text kLetters = "\"\\bfnrt";
    out += '"';
    for (char c : text) {
      const size_t escape = kEscaped.find(c);
      if (escape != Text::npos) {
        out += '\\';
        out += kLetters[escape];
      } else if (static_cast<uint8_t>(c) < 0x20) {
        out += fmt::format("\\u{:04x}", c);
      } else {
        out += c;
      }
    }
    out += '"';
  }

  void array(const std::vector<Value>& items) {
    out += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ", ";
      value(items[i]);
    }
    out += ']';
  }

  void object(const std::vector<std::pair<Text, Value>>& items) {
    out += '{';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ", ";
      string(items[i].first);
      out += ": ";
      value(items[i].second);
    }
    out += '}';
  }

  Context& context_;
};

}  // namespace

std::string to_json(Context& context, const Value& value) {
  Writer writer(context);
  writer.value(value);
  return std::move(writer.out);
}

}  // namespace expertoire::jinja
