// How fast a model runs here: the cases that users and benchmarks time, and one run of each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/session.h"

namespace expertoire {

/// Texts that go through the model as one packed batch, or single tokens after a short prompt.
struct SpeedCase {
  std::string name;
  std::vector<int> lengths;  ///< tokens of each text; empty = decode, lm_head included
};

/// 64x32, 8x256, 1x256, 4x16, 1x12 (texts x tokens), mixed (256 texts of 4 to 128 tokens), decode.
/// The one list.
const std::vector<SpeedCase>& speed_cases();

/// One case on one session, run as often as one likes.
class SpeedRun {
 public:
  /// Token ids are drawn from the vocabulary by a fixed rule. Errors: kTooLong when the model's
  /// context is too short for the case.
  SpeedRun(Session& session, const SpeedCase& speed_case);

  /// Tokens of one run.
  int64_t tokens() const;
  /// Runs once; returns seconds.
  double run();
  /// Multiply-adds times two of one run: products with weights; attention scores not counted.
  double flops() const;
  /// Bytes of weights that one run has to read: what every token uses, and each expert that any
  /// token chose, once a pass. Runs the case once to see the choices.
  double weight_bytes();

  const std::vector<std::vector<int32_t>>& texts() const { return texts_; }

 private:
  void pass(RoutingSink* routing);
  double flops_per_token() const;

  Session& session_;
  bool decode_;
  std::vector<std::vector<int32_t>> texts_;
  KvCache cache_;
  std::vector<float> logits_;
};

}  // namespace expertoire
