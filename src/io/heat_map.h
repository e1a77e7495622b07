// One matrix of numbers as SVG.
#pragma once

#include <string>
#include <vector>

namespace expertoire {

struct HeatCell {
  double value = 0;   ///< NaN: none
  bool sure = false;  ///< bold
  std::string hint;   ///< what shows under the mouse
};

/// Colours go from white to orange for values above 0 and to blue for those below.
struct HeatMap {
  std::string title, row_title, column_title;
  std::vector<std::string> rows, columns;
  std::vector<std::vector<HeatCell>> cells;  ///< [rows][columns]
  std::vector<int> own;                      ///< of each row, the column with a frame, or −1
  double most = 0;                           ///< size of the value with the deepest colour
  int decimals = 1;
};

/// A document of its own, which may stand in a page.
std::string svg_heat_map(const HeatMap& map);

}  // namespace expertoire
