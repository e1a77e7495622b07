// Reading an expert index: one SQLite file (docs/experts.md) that `expertoire experts index` made.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/unit_record.h"
#include "io/sqlite.h"
#include "model/model.h"

namespace expertoire {

/// What an index says of itself.
struct IndexInfo {
  /// model, weights_hash, corpus, options, command, finished … (docs/experts.md).
  std::map<std::string, std::string> provenance;
  std::vector<std::string> labels;    ///< of documents, by the order in which they came
  std::vector<int64_t> label_tokens;  ///< tokens read, by label
  std::vector<int64_t> label_documents;
  int64_t documents = 0, tokens = 0;
  double threshold = 0;  ///< joint experts with a score at or below this were not counted
  double support = 0;    ///< a document's mass of a unit below this is not stored by document
  /// Of each layer: the sum of all scores, and that of joint experts at or below the threshold.
  std::vector<double> layer_mass, layer_dropped;
};

/// A document as the model read it.
struct IndexedDocument {
  int32_t number = 0;
  std::string name;
  int label = 0;
  std::vector<int32_t> ids;
  std::vector<std::string> pieces;  ///< the text of each token; joined, the document's text
};

/// A unit without its lists: what fits in memory for all of them.
struct UnitSummary {
  int64_t number = 0;  ///< in UnitTable
  int64_t count = 0;
  double mass = 0;
  float max = 0;
};

/// A passage that a search found, and how well (higher is better).
struct PassageHit {
  int32_t document = 0;
  int32_t begin = 0, end = 0;  ///< tokens
  double score = 0;
};

class ExpertIndex {
 public:
  /// Opens a finished index; `writable` for labels. Errors: kNotFound, kBadFile (another file, a
  /// damaged one), kUnsupported (another version), kInvalidArgument (not finished yet).
  explicit ExpertIndex(const std::string& path, bool writable = false);

  const std::string& path() const { return path_; }
  const IndexInfo& info() const { return info_; }
  const UnitTable& units() const { return *units_; }
  Database& database() const { return *database_; }

  /// What is known of a unit, or nothing when it was never used. Errors: kBadFile.
  std::optional<UnitRecord> find(const Unit& unit) const;
  /// Every unit that was used, by rising number.
  void for_each(const std::function<void(const UnitRecord&)>& take) const;
  std::vector<UnitSummary> summaries() const;

  /// Errors: kInvalidArgument when there is no such document.
  IndexedDocument document(int32_t number) const;
  /// Of each document, its stored masses: unit numbers, rising, and the mass of each.
  void for_each_document(const std::function<void(int32_t document, int label, int64_t tokens,
                                                  std::span<const int32_t> units,
                                                  std::span<const float> masses)>& take) const;

  /// Passages with the words, the best first, at most `most`. `query` is words or, in quotes,
  /// phrases, all of which must be there; a word may end in *. Errors: kInvalidArgument for an
  /// empty query.
  std::vector<PassageHit> search(const std::string& query, size_t most) const;

  /// How often two experts (of factored routing two keys of the side) served the same token:
  /// [n, n], symmetric, the diagonal holds the counts. Empty where the layer has too many.
  std::vector<uint32_t> together(int layer, UnitKind kind) const;

 private:
  std::string path_;
  std::unique_ptr<Database> database_;
  IndexInfo info_;
  std::unique_ptr<UnitTable> units_;
};

/// Were they made with the same weights, of the same layers?
bool same_model(const ExpertIndex& a, const ExpertIndex& b);
/// Errors: kInvalidArgument when a model is not the one that the index was made with.
void check_same_model(const ExpertIndex& index, const Model& model);

}  // namespace expertoire
