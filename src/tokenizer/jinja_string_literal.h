// Escapes in a template's string literals.
#pragma once

#include <string>
#include <string_view>

namespace expertoire::jinja {

/// The value of a literal whose text between the quotes is `body`: Python's escapes; an unknown one
/// stands for itself. Errors: kBadFile for one that is cut short, kUnsupported for \N and
/// surrogates.
std::string unescape(std::string_view body, int line);

}  // namespace expertoire::jinja
