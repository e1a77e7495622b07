// What `experts label` prints and writes of a study.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "analysis/label_study.h"
#include "analysis/unit_labels.h"

namespace expertoire::cli {

struct LabelReport {
  std::string method;
  const ExpertIndex& index;
  const ExpertIndex& held_out;
  LabelStudyOptions options;
  nlohmann::json how;  ///< of the method: model, endpoint, numbers that it used
  std::vector<LabelledUnit> units;

  nlohmann::json to_json() const;
  std::string text() const;
  /// Rows for the index; `made`: now, in UTC.
  std::vector<UnitLabel> rows(const std::string& made) const;
};

}  // namespace expertoire::cli
