// From the text of a chat template to its tree.
#pragma once

#include <string_view>

#include "tokenizer/jinja_ast.h"

namespace expertoire::jinja {

/// Errors: kBadFile for what is no Jinja, kUnsupported for a block outside the subset, kTooLong for
/// nesting beyond kMaxNesting.
Body parse(std::string_view source);

}  // namespace expertoire::jinja
