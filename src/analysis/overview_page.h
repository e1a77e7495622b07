// The first page of an export: a map of all units and a table of those that have a page.
#pragma once

#include <string>
#include <vector>

#include "analysis/exported_units.h"

namespace expertoire {

/// The row of a unit in the table.
std::string overview_row(const UnitView& view, const ExpertIndex& index);

/// The page, with these rows.
std::string overview_page(const ExportedUnits& units, const std::string& rows);

}  // namespace expertoire
