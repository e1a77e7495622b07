// What a study measured, item by item, so that an interrupted run goes on and a finished one can be
// looked at again without running the model.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "eval/item_log.h"

namespace expertoire {

class MeasureLog {
 public:
  /// Nothing is kept where `path` is empty. With `resume` the lines of an unfinished run are taken,
  /// or those of the finished one. Errors: those of ItemLog.
  MeasureLog(const std::string& path, const nlohmann::json& fingerprint, bool resume);

  /// What was measured of an item of a set under a system; null when nothing was.
  const nlohmann::json* find(const std::string& system, const std::string& set, size_t item) const;
  void add(const std::string& system, const std::string& set, size_t item, nlohmann::json value);
  /// The file gets its name. Once, as the last call.
  void finish();

 private:
  std::unique_ptr<ItemLog> log_;
  std::map<std::tuple<std::string, std::string, size_t>, nlohmann::json> values_;
};

}  // namespace expertoire
