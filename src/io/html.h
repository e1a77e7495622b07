// Text that somebody else wrote, in a page.
#pragma once

#include <string>
#include <string_view>

namespace expertoire {

/// Text as it may stand in HTML, between tags or in quotes of either kind. Bytes that are not UTF-8
/// and control characters other than tabs and line ends become U+FFFD.
std::string html_text(std::string_view text);

}  // namespace expertoire
