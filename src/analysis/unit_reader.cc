#include "analysis/unit_reader.h"

#include <fmt/format.h>

#include "analysis/index_tables.h"

namespace expertoire {

UnitReader::UnitReader(const ExpertIndex& index)
    : index_(index),
      rows_(index.database().prepare(
          fmt::format("SELECT id, {} FROM units ORDER BY id", kUnitColumns))) {}

std::optional<UnitRecord> UnitReader::next() {
  if (!rows_.step()) return std::nullopt;
  return sorted(read_unit(rows_, index_.units(), index_.info().labels.size()));
}

void for_each_contexts(const ExpertIndex& index, int64_t least_uses,
                       const std::function<void(int64_t, const std::vector<Context>&)>& take) {
  Statement rows =
      index.database().prepare("SELECT id, contexts FROM units WHERE count >= ? ORDER BY id");
  rows.bind(least_uses);
  while (rows.step()) take(rows.integer(0), rows.array<Context>(1));
}

void for_each_tokens(const ExpertIndex& index, int64_t least_uses,
                     const std::function<void(int64_t, const std::vector<TokenUse>&)>& take) {
  Statement rows =
      index.database().prepare("SELECT id, tokens FROM units WHERE count >= ? ORDER BY id");
  rows.bind(least_uses);
  while (rows.step()) take(rows.integer(0), rows.array<TokenUse>(1));
}

}  // namespace expertoire
