#include "model/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

// Buffers that old checkpoints carry and that follow from the configuration.
bool is_derived(const std::string& name) { return name.ends_with("rotary_emb.inv_freq"); }

std::string without_digits(std::string text) {
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string WeightReader::loading(const std::string& name) const {
  return fmt::format("loading {} of {}", name, checkpoint_.folder());
}

std::string WeightReader::similar(const std::string& name) const {
  std::string best;
  size_t least = name.size() / 3 + 1;  // farther away is no misspelling
  for (const std::string& candidate : checkpoint_.names()) {
    const size_t longer = std::max(candidate.size(), name.size());
    const size_t shorter = std::min(candidate.size(), name.size());
    if (taken_.contains(candidate) || longer - shorter >= least) continue;
    if (without_digits(candidate) == without_digits(name)) continue;  // another layer's
    if (const size_t distance = edit_distance(name, candidate); distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

const TensorView& WeightReader::take(const std::string& name, const std::vector<int64_t>& shape) {
  const std::string operation = loading(name);
  if (!checkpoint_.contains(name)) {
    const std::string other = similar(name);
    throw Error(ErrorCode::kNotFound,
                {operation,
                 other.empty() ? "no such tensor"
                               : fmt::format("no such tensor, the nearest is {}", in_quotes(other)),
                 fmt::format("a tensor of shape {}", shape_text(shape)),
                 "check that weights and config.json belong together"});
  }
  const TensorView& view = checkpoint_.tensor(name);
  if (view.shape != shape) {
    throw Error(ErrorCode::kBadFile, {operation, "shape " + shape_text(view.shape),
                                      shape_text(shape) + " by config.json",
                                      "check that weights and config.json belong together"});
  }
  if (view.dtype != DType::kF32 && view.dtype != DType::kBF16 && view.dtype != DType::kF16) {
    throw Error(ErrorCode::kUnsupported,
                {operation, fmt::format("dtype {}", dtype_name(view.dtype)), "F32, BF16 or F16",
                 "quantised checkpoints are not read"});
  }
  taken_.insert(name);
  return view;
}

// Packing says that something is wrong; this says where.
void WeightReader::check_finite(const std::string& name, const TensorView& view) const {
  std::vector<float> row(static_cast<size_t>(std::min<int64_t>(view.elements(), int64_t{1} << 16)));
  for (int64_t at = 0; at < view.elements(); at += static_cast<int64_t>(row.size())) {
    const int64_t count = std::min(view.elements() - at, static_cast<int64_t>(row.size()));
    read_f32(view, at, count, row.data());
    if (executor_.kernels().all_finite(row.data(), count)) continue;
    throw Error(ErrorCode::kNumeric, {loading(name), "a weight that is NaN or infinite",
                                      "finite weights", "the checkpoint is damaged"});
  }
}

const TensorView& WeightReader::table(const std::string& name, int64_t rows, int64_t columns) {
  const TensorView& view = take(name, {rows, columns});
  check_finite(name, view);
  return view;
}

std::vector<float> WeightReader::vector(const std::string& name, int64_t size) {
  const TensorView& view = take(name, {size});
  check_finite(name, view);
  std::vector<float> values(static_cast<size_t>(size));
  read_f32(view, 0, size, values.data());
  return values;
}

// What `pack` makes of these tensors, which are released.
PackedMatrix WeightReader::release_packed(const std::vector<std::string>& names,
                                          const std::function<PackedMatrix()>& pack) const {
  try {
    PackedMatrix packed = pack();
    for (const std::string& name : names) checkpoint_.release(name);
    return packed;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNumeric) throw;
    for (const std::string& name : names) check_finite(name, checkpoint_.tensor(name));
    throw;
  }
}

PackedMatrix WeightReader::pack(const std::vector<std::string>& names,
                                const std::vector<RowRef>& rows, int64_t inputs,
                                Compute compute) const {
  return release_packed(
      names, [&] { return pack_matrix(executor_, compute, rows, inputs, names.front()); });
}

PackedMatrix WeightReader::matrix(const std::string& name, int64_t outputs, int64_t inputs,
                                  Compute compute) {
  return stacked({{name, outputs}}, inputs, compute);
}

PackedMatrix WeightReader::stacked(const std::vector<std::pair<std::string, int64_t>>& parts,
                                   int64_t inputs, Compute compute) {
  std::vector<std::string> names;
  std::vector<RowRef> rows;
  for (const auto& [name, outputs] : parts) {
    const std::vector<RowRef> more = all_rows(take(name, {outputs, inputs}));
    rows.insert(rows.end(), more.begin(), more.end());
    names.push_back(name);
  }
  return pack(names, rows, inputs, compute);
}

PackedMatrix WeightReader::gate_up(const std::string& gate, const std::string& up, int64_t width,
                                   int64_t inputs, Compute compute) {
  const std::vector<RowRef> rows =
      interleave_gate_up(take(gate, {width, inputs}), take(up, {width, inputs}));
  return pack({gate, up}, rows, inputs, compute);
}

PackedMatrix WeightReader::generated(const std::vector<std::string>& names, int64_t outputs,
                                     int64_t inputs, Compute compute, const RowSource& source) {
  return release_packed(names, [&] {
    return pack_generated(executor_, compute, outputs, inputs, source, names.front());
  });
}

StripMatrix WeightReader::strips(const std::string& weight, const std::string& bias,
                                 int64_t outputs, int64_t inputs, Compute compute) {
  PackedMatrix packed = matrix(weight, outputs, inputs, compute);
  packed.bias = vector(bias, outputs);
  return cut_into_strips(executor_, packed);
}

void WeightReader::refuse_left_over() const {
  std::vector<std::string> left;
  for (const std::string& name : checkpoint_.names()) {
    if (!taken_.contains(name) && !is_derived(name)) left.push_back(in_quotes(name));
  }
  if (left.empty()) return;
  const size_t count = left.size();
  left.resize(std::min<size_t>(count, 3));
  throw Error(ErrorCode::kBadFile,
              {"loading " + checkpoint_.folder(),
               fmt::format("{} {} that config.json does not account for: {}{}", count,
                           count == 1 ? "tensor" : "tensors", fmt::join(left, ", "),
                           count > 3 ? ", …" : ""),
               "only the model's tensors", "check that weights and config.json belong together"});
}

void set_bias(PackedMatrix& matrix, std::vector<float> bias) {
  bias.resize(static_cast<size_t>(matrix.panels() * kPanelWidth), 0.0F);
  matrix.bias = std::move(bias);
}

}  // namespace expertoire
