// Mean and spread of every dimension of an embedding, fitted once on a named corpus and saved.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace expertoire {

/// Of one prompt. z = (x − mean) / (std + 1e-8).
struct CalibrationSet {
  std::vector<float> hidden_mean, hidden_std;
  std::vector<float> routing_mean, routing_std;
};

/// z-scores in place. Errors: kInvalidArgument when sizes differ.
void standardize(const std::vector<float>& mean, const std::vector<float>& std,
                 std::vector<float>& values);

/// Gathers mean and unbiased standard deviation in one pass (Welford), in double.
class MomentAccumulator {
 public:
  void add(const std::vector<float>& values);
  std::vector<float> mean() const;
  std::vector<float> std() const;
  int64_t count() const { return count_; }

 private:
  int64_t count_ = 0;
  std::vector<double> mean_;
  std::vector<double> square_;
};

/// A calibration.safetensors: sets by prompt name, and where they come from.
struct Calibration {
  std::map<std::string, CalibrationSet> sets;
  /// Provenance and what the sets hold for: model_type, routing_stage, pooling, corpus, texts …
  std::map<std::string, std::string> metadata;

  /// Errors: kNotFound, kBadFile.
  static Calibration load(const std::string& path);
  /// Errors: kIo.
  void save(const std::string& path) const;

  /// The set of a prompt. Errors: kInvalidArgument when there is none, or when a metadata key of
  /// `wanted` has another value here.
  const CalibrationSet& set(const std::string& prompt,
                            const std::map<std::string, std::string>& wanted) const;
};

}  // namespace expertoire
