#include "tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "io/refuse.h"
#include "tokenizer/regex_syntax.h"
#include "tokenizer/spec.h"

namespace expertoire {
namespace {

// Of one match. Patterns of known models go back over a run of spaces at most twice; a hostile one
// goes back over everything again and again.
uint32_t most_steps(size_t text_size) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(1'000'000 + 16 * uint64_t{text_size}, UINT32_MAX));
}

struct Free {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
  void operator()(pcre2_compile_context* p) const { pcre2_compile_context_free(p); }
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};

// For a repeated group over a long run; only what is needed of it becomes memory.
pcre2_jit_stack* large_stack() {
  static thread_local const std::unique_ptr<pcre2_jit_stack, Free> stack(
      pcre2_jit_stack_create(size_t{32} << 10, size_t{256} << 20, nullptr));
  return stack.get();
}

}  // namespace

struct Regex::Impl {
  std::string pattern;  // for messages
  std::unique_ptr<pcre2_code, Free> code;

  [[noreturn]] void refuse(const std::string& found, const std::string& expected) const {
    throw Error(ErrorCode::kInvalidArgument,
                {"", fmt::format("the tokenizer's pattern {} {}", pattern, found), expected,
                 "cut the text into shorter pieces, or use another tokenizer"});
  }
};

Regex::Regex(const std::string& pattern) : impl_(std::make_unique<Impl>()) {
  const std::unique_ptr<pcre2_compile_context, Free> context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  const std::string spelled = pcre_syntax(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  impl_->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()), spelled.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                                  &error, &offset, context.get()));
  if (!impl_->code) {
    PCRE2_UCHAR message[256];
    pcre2_get_error_message(error, message, sizeof message);
    tokenizer_json::bad(fmt::format("the regular expression {} fails at {}: {}", in_quotes(pattern),
                                    offset, reinterpret_cast<const char*>(message)),
                        "one that PCRE2 takes");
  }
  pcre2_jit_compile(impl_->code.get(), PCRE2_JIT_COMPLETE);
  impl_->pattern = in_quotes(pattern);
}

Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::vector<Match> Regex::find_all(std::string_view text) const {
  const std::unique_ptr<pcre2_match_data, Free> data(
      pcre2_match_data_create_from_pattern(impl_->code.get(), nullptr));
  const std::unique_ptr<pcre2_match_context, Free> limits(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(limits.get(), most_steps(text.size()));
  std::vector<Match> matches;
  size_t at = 0;
  while (at < text.size()) {
    const auto match = [&] {
      return pcre2_match(impl_->code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                         at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data.get(), limits.get());
    };
    int found = match();
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
      pcre2_jit_stack_assign(limits.get(), nullptr, large_stack());
      found = match();
    }
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0) {
      impl_->refuse(fmt::format("gives up (PCRE2 error {})", found),
                    fmt::format("a match within {} steps", most_steps(text.size())));
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
    // \K in a group that a lookahead calls.
    if (bounds[0] < at || bounds[1] <= bounds[0]) {
      impl_->refuse("makes a match that ends before it begins", "matches in order");
    }
    matches.push_back({bounds[0], bounds[1]});
    at = bounds[1];
  }
  return matches;
}

}  // namespace expertoire
