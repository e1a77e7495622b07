// Neuronpedia's import form: a folder for each source with JSON Lines, as its tools write them
// (neuronpedia_utils.db_models; the converter of SAEDashboard).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "analysis/exported_units.h"

namespace expertoire {

struct NeuronpediaOptions {
  std::string model;  ///< modelId; empty: the name of the index's model, without folders
  std::string release = "expertoire";
  std::string creator = "expertoire";  ///< creatorName
  std::string creator_id;              ///< of an account of the site; empty: to be set at import
};

/// Writes FOLDER/MODEL/LAYER-experts (of keys LAYER-left-keys, LAYER-right-keys) with
/// release.jsonl, model.jsonl, sourceset.jsonl, source.jsonl and, in batches of 1024 units,
/// features/, activations/ and explanations/batch-N.jsonl.gz. A unit's index is its router id. The
/// values of an activation are the scores that the index knows: those of top contexts, 0 elsewhere.
/// Same index, same bytes. Errors: those of FolderWriter.
void export_neuronpedia(ExportedUnits& units, const std::string& folder,
                        const NeuronpediaOptions& options,
                        const std::function<void(int64_t done)>& progress);

}  // namespace expertoire
