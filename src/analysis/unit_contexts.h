// What a unit was used on, as text.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "analysis/expert_index.h"

namespace expertoire {

/// A context with the tokens around it.
struct ShownContext {
  std::string document;  ///< its name
  std::string label;
  int32_t number = 0;    ///< of the document
  int32_t position = 0;  ///< of the context's token in it
  float score = 0;
  size_t mark = 0;                  ///< of the context's token in `pieces`
  std::vector<std::string> pieces;  ///< text of each token
  /// Of each token, the unit's score where it is known: at the contexts that the index kept; 0
  /// elsewhere.
  std::vector<float> scores;
  bool from_start = false, to_end = false;  ///< does it reach the document's?
};

/// Reads documents, and keeps the last few.
class DocumentCache {
 public:
  explicit DocumentCache(const ExpertIndex& index, size_t most = 64) : index_(index), most_(most) {}
  /// Valid until the next call.
  const IndexedDocument& get(int32_t number);

 private:
  const ExpertIndex& index_;
  size_t most_;
  int64_t clock_ = 0;
  std::map<int32_t, std::pair<int64_t, IndexedDocument>> documents_;  // with when it was used
};

/// The tokens around a context of `record`, `before` and `after` of them. Errors: kBadFile for a
/// context outside its document.
ShownContext shown_context(const ExpertIndex& index, DocumentCache& documents,
                           const UnitRecord& record, const Context& context, int before, int after);

/// The text of tokens, as the documents have it first; none for a token that no document has. One
/// pass over the documents, as far as needed.
std::map<int32_t, std::string> token_texts(const ExpertIndex& index, std::set<int32_t> wanted);

}  // namespace expertoire
