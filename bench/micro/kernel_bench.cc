// Panel products of every SIMD level against this core's peak, which is measured in turns with
// them. Each result is compared with the scalar level first.
//   kernel_bench [--depth K] [--reps N]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "../peak.h"
#include "base/half.h"
#include "simd/kernels.h"
#include "tensor/buffer.h"

namespace expertoire::bench {
namespace {

constexpr double kFlopsPerSample = 4e7;  // about 200 us at the peak of one core

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

float noise(uint64_t& state) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return static_cast<float>(static_cast<double>(state >> 40) / (1 << 24) - 0.5);
}

/// Rows and a panel in one type; m rows go against the panel.
template <class T>
struct Problem {
  explicit Problem(int64_t depth)
      : k(depth), rows(static_cast<size_t>(kMaxPanelRows * depth)), panel_bytes(panel_size(depth)) {
    uint64_t state = 7;
    const auto draw = [&] {
      const float value = noise(state);
      if constexpr (std::is_same_v<T, float>) {
        return value;
      } else {
        return f32_to_bf16(value);
      }
    };
    for (T& value : rows) value = draw();
    for (int64_t i = 0; i < depth * kPanelWidth; ++i) panel()[i] = draw();
    for (int r = 0; r < kMaxPanelRows; ++r) pointers[r] = rows.data() + r * depth;
  }
  static size_t panel_size(int64_t depth) {
    return static_cast<size_t>(depth * kPanelWidth) * sizeof(T);
  }
  T* panel() { return reinterpret_cast<T*>(panel_bytes.data()); }

  void run(const KernelTable& kernels, int m, float* c) {
    if constexpr (std::is_same_v<T, float>) {
      kernels.panel_f32(pointers, m, panel(), k, nullptr, c);
    } else {
      kernels.panel_bf16(pointers, m, panel(), k, nullptr, c);
    }
  }

  int64_t k;
  std::vector<T> rows;
  Buffer panel_bytes;
  const T* pointers[kMaxPanelRows];
};

/// Largest difference of an element, relative to what rounding may do: depth · eps · Σ|a·b|.
template <class T>
double error(Problem<T>& problem, const KernelTable& kernels, int m) {
  std::vector<float> got(static_cast<size_t>(m * kPanelWidth)), want(got.size());
  problem.run(kernels, m, got.data());
  problem.run(kernels_by_name("scalar"), m, want.data());
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i)
    worst = std::max<double>(worst, std::abs(got[i] - want[i]));
  // |a|, |b| ≤ 1/2, so Σ|a·b| ≤ depth / 4.
  const double depth = static_cast<double>(problem.k);
  return worst / (depth * 0x1p-24 * depth / 4);
}

template <class T>
void measure(Problem<T>& problem, const KernelTable& kernels, int m, int reps) {
  if (const double worst = error(problem, kernels, m); !(worst <= 1)) {
    fmt::print(stderr, "{}: wrong result, {} x the rounding bound\n", kernels.name, worst);
    std::exit(1);
  }
  const bool bf16 = sizeof(T) == 2;
  const double flops = 2.0 * m * kPanelWidth * static_cast<double>(problem.k);
  const int calls = std::max(1, static_cast<int>(kFlopsPerSample / flops));
  std::vector<float> c(kMaxPanelRows * kPanelWidth);
  std::vector<double> rates, shares;
  for (int rep = 0; rep < reps; ++rep) {
    const double peak = bf16 ? peak_bf16(1) : peak_f32(1);
    const double start = now();
    for (int call = 0; call < calls; ++call) problem.run(kernels, m, c.data());
    rates.push_back(flops * calls / (now() - start));
    shares.push_back(rates.back() / peak);
  }
  fmt::print("{:11} {:4} {:5} {:8.1f} {:8.1f} {:8.1f} {:9.1f} %\n", kernels.name,
             bf16 ? "bf16" : "f32", m, median(rates) / 1e9,
             *std::max_element(rates.begin(), rates.end()) / 1e9,
             *std::min_element(rates.begin(), rates.end()) / 1e9, 100 * median(shares));
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  CLI::App app{"Panel products against this core's peak"};
  int64_t depth = 2048;
  int reps = 15;
  app.add_option("--depth", depth)->check(CLI::Range(2, 1 << 20));
  app.add_option("--reps", reps)->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);
  Problem<float> f32(depth);
  Problem<bf16_t> bf16(depth);
  fmt::print("{:11} {:4} {:>5} {:>8} {:>8} {:>8} {:>11}\n", "level", "type", "rows", "GFLOP/s",
             "best", "worst", "of peak");
  for (const KernelTable* kernels : available_kernels()) {
    for (int m : {1, 4, 6, 12, 16, 32, 128}) measure(f32, *kernels, m, reps);
    for (int m : {1, 4, 6, 12, 16, 32, 128}) measure(bf16, *kernels, m, reps);
  }
  return 0;
}

}  // namespace
}  // namespace expertoire::bench

int main(int argc, char** argv) { return expertoire::bench::run(argc, argv); }
