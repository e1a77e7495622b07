// Places in an index's documents with the text around them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/expert_index.h"

namespace expertoire {

/// Tokens before and after the marked one. Most lie before it: an expert sees no others.
inline constexpr int kTokensBefore = 24, kTokensAfter = 7;

struct ContextPlace {
  int32_t document = 0;
  int32_t position = 0;  ///< of the marked token

  bool operator==(const ContextPlace&) const = default;
  bool operator<(const ContextPlace& other) const {
    return std::pair(document, position) < std::pair(other.document, other.position);
  }
};

struct ContextWindow {
  ContextPlace place;
  std::vector<int32_t> ids;
  std::vector<std::string> pieces;  ///< their texts
  size_t marked = 0;                ///< index in both
};

/// The tokens around a place of `document`, `before` and `after` of them. Errors: kBadFile, naming
/// the index, for a place outside the document.
ContextWindow cut_window(const ExpertIndex& index, const IndexedDocument& document,
                         const ContextPlace& place, int before, int after);

/// Do the windows of two places share tokens?
bool windows_touch(const ContextPlace& a, const ContextPlace& b);

/// The windows of places, in their order; every document is read once. Errors: those of
/// ExpertIndex::document and cut_window().
std::vector<ContextWindow> read_windows(const ExpertIndex& index,
                                        std::span<const ContextPlace> places);

/// The window's text with the marked token between << and >>, or as it stands.
std::string window_text(const ContextWindow& window, bool marks);

}  // namespace expertoire
