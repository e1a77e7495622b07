#include "analysis/unit_labels.h"

#include <algorithm>
#include <sstream>

#include "analysis/index_tables.h"

namespace expertoire {
namespace {

constexpr const char* kSelect =
    "SELECT unit, method, text, score, low, high, p, items, reliable, source, made "
    "FROM expert_labels WHERE ";
constexpr const char* kOrder = " ORDER BY reliable DESC, score DESC, unit, method";

std::optional<double> number(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.real(column));
}

std::vector<UnitLabel> read_labels(Statement& rows, const UnitTable& units) {
  std::vector<UnitLabel> labels;
  while (rows.step()) {
    labels.push_back({read_unit_number(rows, 0, units), rows.text(1), rows.text(2), number(rows, 3),
                      number(rows, 4), number(rows, 5), number(rows, 6), rows.integer(7),
                      rows.integer(8) != 0, rows.text(9), rows.text(10)});
  }
  return labels;
}

}  // namespace

std::vector<UnitLabel> labels_of(const ExpertIndex& index, const Unit& unit) {
  Statement rows = index.database().prepare(std::string(kSelect) + "unit = ?" + kOrder);
  rows.bind(index.units().number(unit));
  return read_labels(rows, index.units());
}

std::vector<UnitLabel> find_labels(const ExpertIndex& index, const std::string& query,
                                   size_t most) {
  std::string words = query;
  std::erase_if(words, [](char c) { return c == '"' || c == '*'; });
  std::istringstream all(words);
  std::vector<std::string> wanted;
  for (std::string word; all >> word;) wanted.push_back(word);
  std::string condition = wanted.empty() ? "0" : "1";
  for (size_t i = 0; i < wanted.size(); ++i) condition += " AND instr(lower(text), lower(?)) > 0";
  Statement rows = index.database().prepare(kSelect + condition + kOrder + " LIMIT ?");
  for (const std::string& word : wanted) rows.bind(word);
  rows.bind(static_cast<int64_t>(most));
  return read_labels(rows, index.units());
}

void write_labels(const ExpertIndex& index, std::span<const UnitLabel> labels) {
  index.database().transaction([&] {
    Statement insert = index.database().prepare(
        "INSERT OR REPLACE INTO expert_labels (unit, method, text, score, low, high, p, items, "
        "reliable, source, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const UnitLabel& label : labels) {
      insert.bind(label.unit).bind(label.method).bind(label.text);
      for (const std::optional<double>& number : {label.score, label.low, label.high, label.p}) {
        if (number) {
          insert.bind(*number);
        } else {
          insert.bind_null();
        }
      }
      insert.bind(label.items).bind(label.reliable ? 1 : 0).bind(label.source).bind(label.made);
      insert.run();
    }
  });
}

}  // namespace expertoire
