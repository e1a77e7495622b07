#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "tokenizer/jinja_library.h"
#include "tokenizer/jinja_operators.h"

namespace expertoire::jinja {
namespace {

// The first ones are of the subset.
constexpr auto kNames =
    std::to_array<std::string_view>({"raise_exception", "namespace", "range", "strftime_now",
                                     "dict", "lipsum", "cycler", "joiner"});

[[noreturn]] void raise_exception(Context& context, const Arguments& arguments) {
  const Bound bound(context, "raise_exception", arguments, {"message"});
  context.raise("the template refuses them: " + to_string(context, bound[0]));
}

Value make_namespace(Context& context, const Arguments& arguments) {
  if (arguments.names.size() < arguments.values.size()) {
    context.unsupported("namespace with arguments that have no names");
  }
  Namespace* space = context.make_namespace();
  for (size_t i = 0; i < arguments.names.size(); ++i) {
    set_attribute(context, space, arguments.names[i], arguments.values[i]);
  }
  return space;
}

Value range(Context& context, const Arguments& arguments) {
  const Bound bound(context, "range", arguments, {"start", "stop", "step"});
  for (size_t i = 0; i < 3; ++i) {
    if (bound.has(i) ? !is_number(bound[i]) : i == 0) context.raise("range without whole numbers");
  }
  const int64_t start = bound.has(1) ? number_of(bound[0]) : 0;
  const int64_t stop = number_of(bound[bound.has(1) ? 1 : 0]);
  const int64_t step = bound.has(2) ? number_of(bound[2]) : 1;
  if (step == 0) context.raise("range with step 0");
  std::vector<Value> items;
  for (int64_t at = start; step > 0 ? at < stop : at > stop;) {
    if (static_cast<int64_t>(items.size()) == kMaxRange) {
      context.raise(fmt::format("a range of more than {} numbers", kMaxRange));
    }
    items.push_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  context.work(items.size() / 8);
  return context.stream(std::move(items), false);
}

// Local time, in the C locale.
Value strftime_now(Context& context, const Arguments& arguments) {
  const Bound bound(context, "strftime_now", arguments, {"format"});
  const Text* format = as<Text>(bound[0]);
  if (format == nullptr) context.raise(fmt::format("a time as {}", type_name(bound[0])));
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string out;
  for (size_t i = 0; i < format->size(); ++i) {
    if ((*format)[i] != '%') {
      out += (*format)[i];
      continue;
    }
    const std::string directive(format->substr(i++, 2));
    if (directive.size() < 2 || Text("aAbBdHIjmMpSyY%").find(directive[1]) == Text::npos) {
      context.unsupported("the time format " + directive);
    }
    std::array<char, 64> buffer{};
    out.append(buffer.data(),
               std::strftime(buffer.data(), buffer.size(), directive.c_str(), &local));
  }
  context.work(out.size());
  return context.text(std::move(out));
}

}  // namespace

bool is_function(Text name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Value call_function(Context& context, Text name, const Arguments& arguments) {
  if (name == "raise_exception") raise_exception(context, arguments);
  if (name == "namespace") return make_namespace(context, arguments);
  if (name == "range") return range(context, arguments);
  if (name == "strftime_now") return strftime_now(context, arguments);
  context.unsupported(fmt::format("the function {}", name));
}

}  // namespace expertoire::jinja
