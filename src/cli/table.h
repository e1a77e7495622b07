// Tables on standard output.
#pragma once

#include <string>
#include <vector>

namespace expertoire::cli {

/// Columns as wide as their widest cell, two spaces apart; the first row is the heading.
void print_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace expertoire::cli
