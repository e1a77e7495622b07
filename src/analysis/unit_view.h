// All that is shown of a unit, gathered: for the terminal, JSON and pages.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/label_rates.h"
#include "analysis/logit_effect.h"
#include "analysis/unit_contexts.h"
#include "analysis/unit_labels.h"

namespace expertoire {

struct NamedToken {
  std::string text;
  TokenUse use;
};

/// A unit that served the same tokens.
struct Partner {
  Unit unit;
  uint32_t count = 0;  ///< tokens that both served
  double jaccard = 0;  ///< count / tokens that one of them served
};

struct UnitView {
  std::string name;
  UnitRecord record;
  std::vector<LabelRate> rates;
  std::vector<NamedToken> tokens;  ///< shown_tokens()
  std::vector<ShownContext> contexts;
  std::vector<Partner> partners;  ///< by falling jaccard; none where the index has no counts
  std::vector<UnitLabel> labels;
  std::optional<LogitEffect> effect;
};

struct ViewOptions {
  int before = 24, after = 8;  ///< tokens around a context
  size_t tokens = 20, contexts = 16, partners = 10;
};

/// A unit's tokens by falling mass that is sure (mass − error); not those of which less than half
/// is.
std::vector<TokenUse> shown_tokens(const UnitRecord& record, size_t most);

/// Makes views of units of one index, which must outlive it.
class UnitViewer {
 public:
  explicit UnitViewer(const ExpertIndex& index, const ViewOptions& options = {})
      : index_(index), options_(options), documents_(index, 256) {}

  /// Reads the texts of the tokens that these records show, in one pass over the documents.
  void read_texts(std::span<const UnitRecord> records);
  /// A view without `effect`; of tokens whose text was read.
  UnitView view(const UnitRecord& record);

 private:
  std::vector<Partner> partners_of(const UnitRecord& record);

  const ExpertIndex& index_;
  ViewOptions options_;
  DocumentCache documents_;
  std::map<int32_t, std::string> texts_;
  std::map<std::pair<int, UnitKind>, std::vector<uint32_t>> together_;
};

/// The highest score that a histogram of the unit's layer spans (histogram_bin).
float histogram_top(const ExpertIndex& index, const Unit& unit);

/// As docs/experts.md describes it.
nlohmann::json to_json(const UnitView& view, const ExpertIndex& index);
nlohmann::json to_json(const UnitLabel& label);

}  // namespace expertoire
