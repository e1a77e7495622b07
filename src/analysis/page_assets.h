// What the pages of an export share: style sheet and script.
#pragma once

#include <string_view>

namespace expertoire {

/// style.css and page.js, as they lie beside the pages. Nothing is loaded from elsewhere.
extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;

}  // namespace expertoire
