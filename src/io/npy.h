// NumPy's .npy, format version 1.0, little-endian float32 matrices.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace expertoire {

/// Every header of ours has this many bytes, whatever the shape, so that the number of rows can be
/// filled in at the end.
inline constexpr size_t kNpyHeaderBytes = 128;
std::string npy_header(int64_t rows, int64_t columns);

struct NpyMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  ///< row-major
};

/// Reads a 1-D (one row) or 2-D array of '<f4' in C order. Errors: kNotFound, kIo, kBadFile,
/// kUnsupported for another dtype, order or version, kNumeric for NaN or infinity.
NpyMatrix read_npy(const std::string& path);

}  // namespace expertoire
