// One run of a template: owns the values that it makes and holds it to its limits.
#pragma once

#include <deque>
#include <string>

#include "tokenizer/jinja_value.h"

namespace expertoire::jinja {

// What a template may use (docs/chat_templates.md has the table).
inline constexpr int64_t kMaxSteps = 5'000'000;
inline constexpr size_t kMaxBytes = size_t{128} << 20;  ///< of all texts and lists it makes
inline constexpr size_t kMaxOutput = size_t{32} << 20;  ///< bytes
inline constexpr int kMaxValueDepth = 100;              ///< of lists in lists
inline constexpr int kMaxCallDepth = 600;               ///< of evaluation, macros in macros
inline constexpr int64_t kMaxRange = 100'000;           ///< jinja2's own

class Context {
 public:
  int line = 1;  ///< of what runs now

  /// Counts work. Errors: kTooLong.
  void work(size_t steps = 1);
  /// Counts work that goes through `bytes` bytes.
  void read(size_t bytes) { work(bytes / 32); }
  /// Counts memory before it is taken. Errors: kTooLong.
  void reserve(size_t bytes);
  /// The same, for what text(), list() and dict() will count.
  void check(size_t bytes) const;

  Text text(std::string bytes);
  Value list(std::vector<Value> items, bool tuple = false);
  Value dict(std::vector<std::pair<Text, Value>> items);
  Value stream(std::vector<Value> items, bool once);
  Namespace* make_namespace();

  /// kInvalidArgument, kUnsupported, kTooLong at the current line.
  [[noreturn]] void raise(const std::string& found) const;
  [[noreturn]] void unsupported(const std::string& construct) const;
  [[noreturn]] void limit(const std::string& found, const std::string& expected) const;

 private:
  int depth_over(const Value& value) const;

  int64_t steps_left_ = kMaxSteps;
  size_t bytes_left_ = kMaxBytes;
  std::deque<std::string> texts_;
  std::deque<Sequence> sequences_;
  std::deque<Dict> dicts_;
  std::deque<Stream> streams_;
  std::deque<Namespace> namespaces_;
};

/// Arguments of a call: `names` are those of the last values.
struct Arguments {
  std::vector<Value> values;
  std::vector<Text> names;
};

/// Arguments in the order of parameters; Undefined where none was given.
class Bound {
 public:
  /// Errors: kInvalidArgument for too many, kUnsupported for an unknown name.
  Bound(const Context& context, Text callee, const Arguments& arguments,
        const std::vector<Text>& parameters);
  size_t size() const { return values_.size(); }
  bool has(size_t i) const { return given_[i]; }
  const Value& operator[](size_t i) const { return values_[i]; }

 private:
  std::vector<Value> values_;
  std::vector<bool> given_;
};

}  // namespace expertoire::jinja
