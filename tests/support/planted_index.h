// An expert index that a test makes by hand, without a model.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analysis/unit.h"
#include "io/sqlite.h"

namespace expertoire::test {

/// What is in it. Units are named as UnitTable::name does.
struct PlantedIndex {
  struct Document {
    int label = 0;
    int64_t tokens = 0;
    std::map<std::string, float> masses = {};  ///< stored with the document
    std::vector<int32_t> ids = {};
    std::string name = {};
  };
  std::vector<IndexedLayer> layers;
  std::vector<std::string> labels;
  std::vector<Document> documents = {};
  /// Of a unit, by label: mass that is stored with no document.
  std::map<std::string, std::map<int, double>> rest = {};
  std::string weights = "planted";

  /// Unit records say counts, masses and labels; there are no contexts and tokens.
  void write(const std::string& path) const;

 private:
  void fill(const Database& database) const;
};

}  // namespace expertoire::test
