// What pictures are made of: text, numbers, ranges and their ticks, and the colours of all of them.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace expertoire {

/// Text as it may stand in XML, between tags or in double quotes. Control characters become spaces,
/// bytes that are not UTF-8 U+FFFD.
std::string xml_text(std::string_view text);

/// "0.002", "12.5", "340k", "20M": at most four significant digits.
std::string short_number(double value);

/// Values that a picture shows, from the least to the greatest.
struct SvgRange {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value);
  bool empty() const { return low > high; }
  double span() const { return high - low; }
  /// All the same but for rounding.
  bool flat() const;
};

/// Ticks at multiples of 1, 2 or 5 times a power of ten, at most `most` of them.
std::vector<double> svg_ticks(const SvgRange& range, int most);

/// `<text>` at (x, y); anchor: start, middle or end; style: CSS classes of svg_style().
std::string svg_text(double x, double y, std::string_view anchor, std::string_view style,
                     std::string_view content);

/// The style sheet of every picture, for light and dark screens: text (title, tick, label …), grid
/// and axis, and eight colours as the classes c0 … c7.
std::string svg_style();

}  // namespace expertoire
