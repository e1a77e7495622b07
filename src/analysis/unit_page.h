// The page of one unit, and what it shares with the overview.
#pragma once

#include <string>
#include <string_view>

#include "analysis/exported_units.h"

namespace expertoire {

/// "3-12-401.html", of keys "3-left-12.html".
std::string page_name(const UnitTable& units, const Unit& unit);

/// From <!DOCTYPE to the open <main>. `assets`: the way from the page to style.css and page.js.
std::string page_head(const std::string& title, std::string_view assets);
inline constexpr std::string_view kPageEnd = "</main>\n</body></html>\n";

/// A token in a box, with spaces and line ends to be seen.
std::string token_html(std::string_view text);
/// "balanced accuracy 0.83 [0.75, 0.90] of 44 items", or that there is none.
std::string label_score(const UnitLabel& label);

/// `units` says which other units have a page; `before` and `after` are the neighbours of this one
/// among them, or null.
std::string unit_page(const UnitView& view, const ExportedUnits& units, const Unit* before,
                      const Unit* after);

}  // namespace expertoire
