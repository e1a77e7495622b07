#include "tokenizer/text_template.h"

#include <nlohmann/json.hpp>

#include "tokenizer/jinja_interpreter.h"
#include "tokenizer/jinja_parser.h"

namespace expertoire {
namespace {

using jinja::Context;
using jinja::Text;
using jinja::Value;
using nlohmann::json;

// `value` outlives the context, which owns lists and what is no text in JSON only.
Value value_of(Context& context, const json& value) {
  switch (value.type()) {
    case json::value_t::null: return jinja::None();
    case json::value_t::boolean: return value.get<bool>();
    case json::value_t::number_integer:
    case json::value_t::number_unsigned: return value.get<int64_t>();
    case json::value_t::string: return Text(value.get_ref<const std::string&>());
    case json::value_t::array: {
      std::vector<Value> items;
      for (const json& item : value) items.push_back(value_of(context, item));
      return context.list(std::move(items));
    }
    case json::value_t::object: {
      std::vector<std::pair<Text, Value>> items;
      for (const auto& [key, item] : value.items()) {
        items.emplace_back(Text(key), value_of(context, item));
      }
      return context.dict(std::move(items));
    }
    default: return context.text(value.dump());
  }
}

}  // namespace

struct TextTemplate::Parsed {
  std::string source;  // the tree points into it
  jinja::Body body;
};

TextTemplate::TextTemplate(std::string_view source) {
  auto parsed = std::make_shared<Parsed>();
  parsed->source = std::string(source) + "{{''}}";  // so that a line feed does not stand at the end
  parsed->body = jinja::parse(parsed->source);
  parsed_ = std::move(parsed);
}

std::string TextTemplate::render(const json& fields) const {
  Context context;
  jinja::Scope globals;
  for (auto field = fields.begin(); field != fields.end(); ++field) {
    globals.variables[Text(field.key())] = value_of(context, *field);
  }
  return jinja::Interpreter(context, globals).run(parsed_->body);
}

}  // namespace expertoire
