// What `experts toxicity` leaves behind, as `experts toxicity-eval` reads it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/common.h"
#include "routing/edit.h"

namespace expertoire::cli {

inline constexpr const char* kToxicityFile = "toxicity.json";
inline constexpr const char* kToxicityFormat = "expertoire.toxicity";
inline constexpr int kToxicityVersion = 1;

/// A mask: the experts above a threshold, or a random control of them.
struct StudyMask {
  std::string system;  ///< "threshold 0.1", "threshold 0.1 mass 2"
  RoutingEdit edit;
  int64_t experts = 0;
  double mass = 0;  ///< share of the routing mass
};

struct StudyThreshold {
  StudyMask mask;
  std::map<std::string, std::vector<StudyMask>> controls;  ///< by kind: "number", "mass"
};

struct ToxicityStudy {
  std::string data, data_hash, hold_out;
  std::map<std::string, std::string> provenance;
  std::vector<StudyThreshold> thresholds;

  /// The folder's toxicity.json and edits. Errors: kNotFound, kIo, kBadFile, kUnsupported (another
  /// version).
  static ToxicityStudy load(const std::string& folder);
  /// Errors: kInvalidArgument when the weights, the configuration or the edit are others.
  void check_model(const std::map<std::string, std::string>& about) const;
};

}  // namespace expertoire::cli
