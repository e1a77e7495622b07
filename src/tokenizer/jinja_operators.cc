#include "tokenizer/jinja_operators.h"

#include <fmt/format.h>

#include <algorithm>

#include "tokenizer/jinja_library.h"

namespace expertoire::jinja {
namespace {

using std::string_view;

void refuse_undefined(const Context& context, const Value& value) {
  if (const Undefined* missing = as<Undefined>(value)) {
    context.raise(fmt::format("{} is undefined", missing->name));
  }
}

[[noreturn]] void refuse_operands(const Context& context, string_view op, const Value& left,
                                  const Value& right) {
  refuse_undefined(context, left);
  refuse_undefined(context, right);
  context.raise(fmt::format("{} {} {}", type_name(left), op, type_name(right)));
}

bool equal_sequences(Context& context, const Sequence& left, const Sequence& right) {
  if (left.tuple != right.tuple || left.items.size() != right.items.size()) return false;
  for (size_t i = 0; i < left.items.size(); ++i) {
    if (!equals(context, left.items[i], right.items[i])) return false;
  }
  return true;
}

bool equal_dicts(Context& context, const Dict& left, const Dict& right) {
  if (left.items.size() != right.items.size()) return false;
  for (const auto& [key, value] : left.items) {
    context.work(1 + right.items.size() / 2);
    const Value* other = right.find(key);
    if (other == nullptr || !equals(context, value, *other)) return false;
  }
  return true;
}

template <typename T>
bool ordered(string_view op, const T& left, const T& right) {
  if (op == "<") return left < right;
  if (op == "<=") return left <= right;
  if (op == ">") return left > right;
  return left >= right;
}

bool less_than(Context& context, string_view op, const Value& left, const Value& right) {
  if (is_number(left) && is_number(right)) return ordered(op, number_of(left), number_of(right));
  const Text* a = as<Text>(left);
  const Text* b = as<Text>(right);
  if (a != nullptr && b != nullptr) {
    context.read(std::min(a->size(), b->size()));
    return ordered(op, *a, *b);  // bytes of UTF-8 have the order of code points
  }
  if (is<const Sequence*>(left) && is<const Sequence*>(right)) {
    context.unsupported("the order of lists");
  }
  refuse_operands(context, op, left, right);
}

bool contains(Context& context, const Value& part, const Value& whole) {
  if (const Text* text = as<Text>(whole)) {
    const Text* wanted = as<Text>(part);
    if (wanted == nullptr) context.raise(fmt::format("{} in a text", type_name(part)));
    check_search(context, *text, *wanted, 0);
    return find_text(*text, *wanted) != string_view::npos;
  }
  if (const auto* dict = as<const Dict*>(whole)) {
    context.work((*dict)->items.size() / 2);
    if (is<const Sequence*>(part) || is<const Dict*>(part)) {
      context.raise(fmt::format("{} in a dict", type_name(part)));
    }
    const Text* key = as<Text>(part);
    return key != nullptr && (*dict)->find(*key) != nullptr;
  }
  if (is_number(whole) || is<None>(whole)) {
    context.raise(fmt::format("{} in {}", type_name(part), type_name(whole)));
  }
  const std::vector<Value> items = items_of(context, whole);
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& item) { return equals(context, item, part); });
}

// Python's // and %, which round down.
Value divide(const Context& context, string_view op, int64_t left, int64_t right) {
  if (right == 0) context.raise("a division by zero");
  if (right == -1) {  // the smallest number has no counterpart
    if (op == "%") return int64_t{0};
    if (left == INT64_MIN) context.unsupported("a number beyond 64 bits");
  }
  int64_t quotient = left / right;
  int64_t remainder = left % right;
  if (remainder != 0 && (remainder < 0) != (right < 0)) {
    --quotient;
    remainder += right;
  }
  return op == "%" ? remainder : quotient;
}

Value calculate_numbers(const Context& context, string_view op, int64_t left, int64_t right) {
  int64_t result = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(left, right, &result);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(left, right, &result);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(left, right, &result);
  } else {
    return divide(context, op, left, right);
  }
  if (overflow) context.unsupported("a number beyond 64 bits");
  return result;
}

Value repeat(Context& context, const Value& value, int64_t times) {
  const size_t count = times < 0 ? 0 : static_cast<size_t>(times);
  const auto checked = [&](size_t size) {
    size_t bytes = 0;
    context.check(__builtin_mul_overflow(size, count, &bytes) ? SIZE_MAX : bytes);
    return size == 0 ? 0 : count;
  };
  if (const Text* text = as<Text>(value)) {
    std::string out;
    for (size_t left = checked(text->size()); left > 0; --left) out.append(*text);
    return context.text(std::move(out));
  }
  const Sequence& list = *std::get<const Sequence*>(value);
  std::vector<Value> items;
  for (size_t left = checked(list.items.size() * sizeof(Value)); left > 0; --left) {
    items.insert(items.end(), list.items.begin(), list.items.end());
  }
  return context.list(std::move(items), list.tuple);
}

Value join_lists(Context& context, const Sequence& left, const Sequence& right) {
  context.check((left.items.size() + right.items.size()) * sizeof(Value));
  std::vector<Value> items = left.items;
  items.insert(items.end(), right.items.begin(), right.items.end());
  return context.list(std::move(items), left.tuple);
}

}  // namespace

std::string to_string(const Context& context, const Value& value) {
  if (is<Undefined>(value)) return "";
  if (is<None>(value)) return "None";
  if (const bool* flag = as<bool>(value)) return *flag ? "True" : "False";
  if (const int64_t* number = as<int64_t>(value)) return std::to_string(*number);
  if (const Text* text = as<Text>(value)) return std::string(*text);
  context.unsupported(fmt::format("{} as text", type_name(value)));
}

bool equals(Context& context, const Value& left, const Value& right) {
  context.work();
  if (is_number(left) && is_number(right)) return number_of(left) == number_of(right);
  if (left.index() != right.index()) return false;
  if (const Text* text = as<Text>(left)) {
    context.read(text->size());
    return *text == std::get<Text>(right);
  }
  if (const auto* list = as<const Sequence*>(left)) {
    return equal_sequences(context, **list, *std::get<const Sequence*>(right));
  }
  if (const auto* dict = as<const Dict*>(left)) {
    return equal_dicts(context, **dict, *std::get<const Dict*>(right));
  }
  if (const auto* space = as<Namespace*>(left)) return *space == std::get<Namespace*>(right);
  if (is<Undefined>(left) || is<None>(left)) return true;
  context.unsupported(fmt::format("comparing {} with {}", type_name(left), type_name(right)));
}

bool compare(Context& context, string_view op, const Value& left, const Value& right) {
  if (op == "==") return equals(context, left, right);
  if (op == "!=") return !equals(context, left, right);
  if (op == "in") return contains(context, left, right);
  if (op == "not in") return !contains(context, left, right);
  return less_than(context, op, left, right);
}

Value calculate(Context& context, string_view op, const Value& left, const Value& right) {
  if (op == "/" || op == "**") context.unsupported(fmt::format("the operator {}", op));
  if (is_number(left) && is_number(right)) {
    return calculate_numbers(context, op, number_of(left), number_of(right));
  }
  const auto repeatable = [](const Value& v) { return is<Text>(v) || is<const Sequence*>(v); };
  if (op == "*" && repeatable(left) && is_number(right))
    return repeat(context, left, number_of(right));
  if (op == "*" && repeatable(right) && is_number(left))
    return repeat(context, right, number_of(left));
  if (op == "%" && is<Text>(left)) context.unsupported("a text with % (formatting)");
  if (op == "+" && is<Text>(left) && is<Text>(right)) {
    return context.text(std::string(std::get<Text>(left)).append(std::get<Text>(right)));
  }
  if (op == "+" && is<const Sequence*>(left) && is<const Sequence*>(right)) {
    const Sequence& a = *std::get<const Sequence*>(left);
    const Sequence& b = *std::get<const Sequence*>(right);
    if (a.tuple == b.tuple) return join_lists(context, a, b);
  }
  refuse_operands(context, op, left, right);
}

Value negate(Context& context, const Value& value) {
  if (!is_number(value)) refuse_operands(context, "-", value, value);
  return calculate_numbers(context, "-", 0, number_of(value));
}

}  // namespace expertoire::jinja
