// Strict UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace expertoire {

/// Offset of the first byte that is not part of a well-formed UTF-8 sequence (overlong forms,
/// surrogates and values above U+10FFFF are malformed); text.size() when all is well.
size_t first_invalid_utf8(std::string_view text);

}  // namespace expertoire
