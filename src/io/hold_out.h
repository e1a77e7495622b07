// Which documents are kept out of training: a fixed rule, so that a later run keeps out the same.
#pragma once

#include <cstdint>
#include <string>

namespace expertoire {

/// Of every `every` documents of a file, the one at `index` is held out. A row of JSON Lines is a
/// document. A plain text is a row of pieces of `piece` Unicode characters each; every line that
/// shares a character with a held-out piece is held out whole, so no sentence lies in both splits,
/// and the rest is joined again.
struct HoldOut {
  int64_t every = 10;  ///< 0: nothing is held out
  int64_t index = 9;
  int64_t piece = 20000;
  /// A row whose `field` is the string `value` is held out too: a split that the data came with.
  std::string field = {};
  std::string value = {};

  bool holds(int64_t document) const { return every > 0 && document % every == index; }
  bool operator==(const HoldOut&) const = default;
};

}  // namespace expertoire
