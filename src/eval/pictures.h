// Pictures of results, as SVG.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/result.h"

namespace expertoire {

/// A drawing and its size; its classes are those of svg_style().
struct Picture {
  double width = 0, height = 0;
  std::string body = {};
};

/// As a file of its own, with its style.
std::string svg_file(const Picture& picture);
/// As a part of a page that has the style.
std::string svg_part(const Picture& picture);
/// One below the other, each under its title.
Picture stacked(const std::vector<std::pair<std::string, Picture>>& pictures);

/// Values of one thing; colours are numbered from 0 and repeat after eight.
struct PictureRow {
  std::string label;
  std::vector<double> values;
  std::optional<std::pair<double, double>> interval = {};
  size_t colour = 0;
};

/// A line of dots a row, and its interval as a line. The axis begins at 0 or below.
Picture dot_picture(const std::vector<PictureRow>& rows, const std::string& axis);

/// A box a row: median, quartiles, whiskers from the least to the greatest value, which are dots.
Picture box_picture(const std::vector<PictureRow>& rows, const std::string& axis);

/// A matrix of values in [−1, 1] with a row and a column for each label: the deeper the colour, the
/// further from 0; another colour below.
Picture heat_picture(const std::vector<std::string>& labels,
                     const std::vector<std::vector<double>>& values);

/// The main score of each result: dot_picture() with a colour for the model, another for controls.
/// Nothing when one of them is not finite.
std::optional<Picture> score_picture(const std::vector<const EvalResult*>& results);

}  // namespace expertoire
