// What the commands of `experts` share: choosing an index, and units as text for a terminal.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/unit_ranking.h"
#include "analysis/unit_view.h"

namespace expertoire::cli {

/// --index, required.
void add_index(CLI::App& app, std::string& path);

/// --layer, --kind and --min-uses: which units.
struct UnitFlags {
  int64_t least_uses = 0;
  std::vector<std::string> kinds;
  std::optional<int> layer;

  void add_to(CLI::App& app, int64_t default_uses);
  /// Errors: kInvalidArgument for an unknown kind.
  UnitFilter filter() const;
};

/// These, --by, --label and --min-documents: which units, in which order.
struct RankingFlags {
  UnitFlags units;
  std::string by, label;
  int64_t least_documents = 0;

  void add_to(CLI::App& app, std::string_view default_order);
  /// Errors of both: kInvalidArgument for an unknown order, kind or label.
  UnitOrder order() const;
  UnitFilter filter(const IndexInfo& info) const;
};

/// Throws: the unit has no record, so there is nothing to say of it.
[[noreturn]] void refuse_unused(const std::string& unit);

/// Text of a document as it may stand on a terminal: control characters, which might command it,
/// become "·", line ends "⏎".
std::string on_terminal(std::string_view text);

/// In quotes, as on_terminal().
std::string in_quotation(std::string_view text);

/// A context in one line, its token in «» or, with `colour`, highlighted; "…" where it was cut.
std::string context_line(const ShownContext& window, bool colour);

/// Is standard output a terminal?
bool colours();

/// "0.27 %" of a share; more digits of small ones.
std::string percent(double share);

/// Highest label of the documents and how it compares: "biology 2.3 ×" (of the second).
std::string leading_label(const std::vector<LabelRate>& rates, const IndexInfo& info);

}  // namespace expertoire::cli
