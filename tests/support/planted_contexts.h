// Expert indexes with texts and contexts, whose experts do what a test says.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "support/temp_dir.h"

namespace expertoire::test {

struct PlantedDocument {
  std::string label;
  std::vector<std::string> pieces;  ///< a token's id is its place in the vocabulary
};

/// With what score an expert serves a token; 0: it does not.
using PlantedExpert = std::function<float(const std::vector<std::string>& pieces, size_t token)>;

/// An index of one layer of top-k experts; `weights` is what tells models apart. Contexts are the
/// highest uses, equal ones spread over documents, at most two of each.
std::string write_planted_index(const TempDir& folder, const std::string& name,
                                const std::vector<PlantedDocument>& documents,
                                const std::vector<PlantedExpert>& experts, size_t contexts = 24,
                                const std::string& weights = "planted");

/// Documents of random sentences about cells, markets and courts, some with numbers. The topic is
/// the label. Same seed, same documents.
std::vector<PlantedDocument> planted_documents(size_t count, uint32_t seed);

}  // namespace expertoire::test
