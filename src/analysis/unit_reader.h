// The units of an index one after the other, where a callback is in the way: several indexes side
// by side, or one list of a record without the others.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "analysis/expert_index.h"

namespace expertoire {

/// Every unit that was used, by rising number. The index must outlive it.
class UnitReader {
 public:
  explicit UnitReader(const ExpertIndex& index);
  /// Errors: kBadFile.
  std::optional<UnitRecord> next();

 private:
  const ExpertIndex& index_;
  Statement rows_;
};

/// The contexts of every unit with at least so many uses, or its tokens, as they lie in the file:
/// many times faster than whole records where there are hundreds of thousands.
void for_each_contexts(const ExpertIndex& index, int64_t least_uses,
                       const std::function<void(int64_t unit, const std::vector<Context>&)>& take);
void for_each_tokens(const ExpertIndex& index, int64_t least_uses,
                     const std::function<void(int64_t unit, const std::vector<TokenUse>&)>& take);

}  // namespace expertoire
