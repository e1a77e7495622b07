#include "analysis/label_table.h"

#include <cmath>

namespace expertoire {

void write_labels(const Database& database, std::span<const LabelRow> labels) {
  database.transaction([&] {
    Statement insert = database.prepare(
        "INSERT OR REPLACE INTO expert_labels (unit, method, text, score, low, high, p, items, "
        "reliable, source, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const LabelRow& label : labels) {
      insert.bind(label.unit).bind(label.method).bind(label.text);
      for (const double number : {label.score, label.low, label.high, label.p}) {
        if (std::isnan(number)) {
          insert.bind_null();
        } else {
          insert.bind(number);
        }
      }
      insert.bind(label.items).bind(label.reliable ? 1 : 0).bind(label.source).bind(label.made);
      insert.run();
    }
  });
}

}  // namespace expertoire
