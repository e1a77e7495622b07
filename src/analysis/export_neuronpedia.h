// Neuronpedia's import form: a folder for each source with JSON Lines.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "analysis/exported_units.h"
#include "analysis/neuronpedia_rows.h"

namespace expertoire {

/// Writes FOLDER/MODEL/LAYER-experts (of keys LAYER-left-keys, LAYER-right-keys) with
/// release.jsonl, model.jsonl, sourceset.jsonl, source.jsonl and, in batches of 1024 units,
/// features/, activations/ and explanations/batch-N.jsonl.gz. Same index, same bytes. Errors: those
/// of FolderWriter.
void export_neuronpedia(ExportedUnits& units, const std::string& folder,
                        const NeuronpediaOptions& options,
                        const std::function<void(int64_t done)>& progress);

}  // namespace expertoire
