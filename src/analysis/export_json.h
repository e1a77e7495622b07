// Exports of an index as JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "analysis/exported_units.h"

namespace expertoire {

/// A line for each unit, as to_json() has it. Errors: those of AtomicFile.
void export_jsonl(ExportedUnits& units, const std::string& path,
                  const std::function<void(int64_t done)>& progress);

/// One object, the form of colibri's experts.json: "LAYER:EXPERT" → {affinity: label → share,
/// entropy (bits), top, label}. A share is a label's rate over the sum of all labels' rates;
/// `label` is what a reliable label says, else null. Errors: as above.
void export_experts_json(ExportedUnits& units, const std::string& path,
                         const std::function<void(int64_t done)>& progress);

}  // namespace expertoire
