// An index as a folder of pages that open from disk.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "analysis/exported_units.h"

namespace expertoire {

/// Writes index.html, style.css, page.js and a page for each unit into units/. `progress` gets how
/// many pages there are so far. Errors: those of FolderWriter.
void export_html(ExportedUnits& units, const std::string& folder,
                 const std::function<void(int64_t done)>& progress);

}  // namespace expertoire
