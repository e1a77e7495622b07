// Strict access to a checkpoint: every tensor that a model has is asked for by name and
// shape; what is missing, misspelled, wrongly shaped or left over is an error.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "io/checkpoint.h"
#include "tensor/executor.h"
#include "tensor/packed_matrix.h"
#include "tensor/strip_matrix.h"

namespace expertoire {

class WeightReader {
 public:
  WeightReader(const Checkpoint& checkpoint, Executor& executor)
      : checkpoint_(checkpoint), executor_(executor) {}

  /// A float tensor. Errors: kNotFound naming the most similar tensor that nobody took yet,
  /// kBadFile for another shape, kUnsupported for another dtype.
  const TensorView& take(const std::string& name, const std::vector<int64_t>& shape);
  /// The tensor may be there, and then has no effect.
  void ignore(const std::string& name) { taken_.insert(name); }
  bool has(const std::string& name) const { return checkpoint_.contains(name); }
  /// A tensor whose rows stay in the mapped file, for as long as the checkpoint lives. Errors: as
  /// vector.
  const TensorView& table(const std::string& name, int64_t rows, int64_t columns);

  /// A vector as f32. Errors: as take, and kNumeric for NaN or infinity.
  std::vector<float> vector(const std::string& name, int64_t size);
  /// A matrix [outputs, inputs], packed; its source pages are released. Errors: as vector.
  PackedMatrix matrix(const std::string& name, int64_t outputs, int64_t inputs, Compute compute);
  /// Several matrices with the same inputs, one after the other.
  PackedMatrix stacked(const std::vector<std::pair<std::string, int64_t>>& parts, int64_t inputs,
                       Compute compute);
  /// gate and up [width, inputs] in turns of 32.
  PackedMatrix gate_up(const std::string& gate, const std::string& up, int64_t width,
                       int64_t inputs, Compute compute);

  /// A matrix that `source` puts together from these tensors, which are released.
  PackedMatrix generated(const std::vector<std::string>& names, int64_t outputs, int64_t inputs,
                         Compute compute, const RowSource& source);
  /// A matrix [outputs, inputs] with its bias [outputs], in strips.
  StripMatrix strips(const std::string& weight, const std::string& bias, int64_t outputs,
                     int64_t inputs, Compute compute);

  /// Errors: kBadFile naming the tensors that nobody asked for.
  void refuse_left_over() const;

 private:
  std::string loading(const std::string& name) const;
  std::string similar(const std::string& name) const;
  void check_finite(const std::string& name, const TensorView& view) const;
  PackedMatrix pack(const std::vector<std::string>& names, const std::vector<RowRef>& rows,
                    int64_t inputs, Compute compute) const;
  PackedMatrix release_packed(const std::vector<std::string>& names,
                              const std::function<PackedMatrix()>& pack) const;

  const Checkpoint& checkpoint_;
  Executor& executor_;
  std::set<std::string> taken_;
};

/// Sets a bias, padded to whole panels.
void set_bias(PackedMatrix& matrix, std::vector<float> bias);

}  // namespace expertoire
