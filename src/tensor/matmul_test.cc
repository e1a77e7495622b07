// Products against sums in double: gathered rows, many jobs, biases, any number of threads.
#include "tensor/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <mutex>
#include <random>
#include <set>

namespace expertoire {
namespace {

struct Operands {
  Operands(Compute type, int64_t row_count, int64_t output_count, int64_t input_count,
           uint32_t seed)
      : compute(type), rows(row_count), outputs(output_count), inputs(input_count) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    // Values that bf16 holds: then both types have the same exact sums.
    const auto fill = [&](std::vector<float>& values, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        values.push_back(bf16_to_f32(f32_to_bf16(static_cast<float>(normal(random)))));
      }
    };
    fill(a, rows * inputs);
    fill(w, outputs * inputs);
    fill(bias, outputs);
    Executor executor(1);
    const TensorView view{
        DType::kF32, {outputs, inputs}, reinterpret_cast<const std::byte*>(w.data()), w.size() * 4};
    matrix = pack_matrix(executor, compute, all_rows(view), inputs, "w");
    activations = buffer.ensure(compute, rows, inputs);
    for (int64_t r = 0; r < rows; ++r) {
      if (compute == Compute::kF32) {
        std::copy_n(a.data() + r * inputs, inputs, static_cast<float*>(activations.row(r)));
        continue;
      }
      auto* row = static_cast<bf16_t*>(activations.row(r));
      for (int64_t i = 0; i < inputs; ++i)
        row[i] = f32_to_bf16(a[static_cast<size_t>(r * inputs + i)]);
      if (inputs % 2 != 0) row[inputs] = 0;
    }
  }
  void add_bias() {
    std::vector<float> padded(bias);
    padded.resize(static_cast<size_t>(matrix.panels() * kPanelWidth), 0.0F);
    matrix.bias = padded;
  }
  double exact(int64_t r, int64_t o) const {
    double sum = matrix.bias.empty() ? 0.0 : static_cast<double>(bias[static_cast<size_t>(o)]);
    for (int64_t i = 0; i < inputs; ++i) {
      sum += static_cast<double>(a[static_cast<size_t>(r * inputs + i)]) *
             w[static_cast<size_t>(o * inputs + i)];
    }
    return sum;
  }
  double bound() const { return 1e-6 * static_cast<double>(inputs + 10) * 4; }

  Compute compute;
  int64_t rows, outputs, inputs;
  std::vector<float> a, w, bias;
  PackedMatrix matrix;
  RowBuffer buffer;
  Rows activations;
};

class MatmulTest : public testing::TestWithParam<std::tuple<Compute, const KernelTable*>> {
 protected:
  Compute compute() const { return std::get<0>(GetParam()); }
  Executor executor(int threads) const { return Executor(threads, *std::get<1>(GetParam())); }
};

TEST_P(MatmulTest, StoreWritesTheProductAndNothingElse) {
  for (const auto& [rows, outputs, inputs] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1},
                                              {1, 200, 33},
                                              {16, 64, 64},
                                              {129, 65, 17},
                                              {300, 130, 40}}) {
    Operands x(compute(), rows, outputs, inputs, 1);
    for (const bool biased : {false, true}) {
      if (biased) x.add_bias();
      Executor run = executor(2);
      const int64_t stride = outputs + 3;
      std::vector<float> out(static_cast<size_t>(rows * stride), -7.0F);
      matmul_store(run, {&x.matrix, x.activations, nullptr, rows}, out.data(), stride);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t o = 0; o < stride; ++o) {
          const float got = out[static_cast<size_t>(r * stride + o)];
          if (o >= outputs) {
            ASSERT_EQ(got, -7.0F) << "past the outputs";
          } else {
            ASSERT_NEAR(got, x.exact(r, o), x.bound()) << r << " " << o << " of " << rows;
          }
        }
      }
    }
  }
}

TEST_P(MatmulTest, AddAddsToWhatIsThere) {
  Operands x(compute(), 140, 70, 31, 2);
  x.add_bias();
  Executor run = executor(3);
  RowBuffer buffer;
  const Rows out = buffer.ensure(Compute::kF32, 140, 70);
  for (int64_t r = 0; r < 140; ++r) std::fill_n(static_cast<float*>(out.row(r)), 70, 2.0F);
  matmul_add(run, {&x.matrix, x.activations, nullptr, 140}, out);
  for (int64_t r = 0; r < 140; ++r) {
    for (int64_t o = 0; o < 70; ++o) {
      ASSERT_NEAR(static_cast<float*>(out.row(r))[o], 2.0 + x.exact(r, o), x.bound());
    }
  }
}

// Jobs of all sizes over gathered rows: every tile comes once, and holds its rows.
TEST_P(MatmulTest, JobsTakeTheRowsOfTheirIndex) {
  Operands first(compute(), 50, 100, 20, 3);
  Operands second(compute(), 50, 64, 20, 4);
  std::mt19937 random(5);
  std::vector<std::vector<int32_t>> index;
  std::vector<MatmulJob> jobs;
  for (size_t count : {1U, 0U, 7U, 128U, 131U, 300U}) {
    auto& rows = index.emplace_back(count);
    for (int32_t& row : rows) row = static_cast<int32_t>(random() % 50);
  }
  for (size_t i = 0; i < index.size(); ++i) {
    const Operands& x = i % 2 == 0 ? first : second;
    jobs.push_back(
        {&x.matrix, x.activations, index[i].data(), static_cast<int64_t>(index[i].size())});
  }
  Executor run = executor(3);
  std::mutex mutex;
  std::set<std::tuple<int64_t, int64_t, int64_t>> seen;  // job, row, panel
  matmul(run, jobs, [&](const Tile& tile) {
    const std::lock_guard lock(mutex);
    const size_t job = static_cast<size_t>(tile.job);
    const Operands& x = job % 2 == 0 ? first : second;
    EXPECT_EQ(tile.width, std::min<int64_t>(64, x.outputs - tile.panel * 64));
    for (int i = 0; i < tile.count; ++i) {
      EXPECT_TRUE(seen.insert({tile.job, tile.first + i, tile.panel}).second) << "twice";
      for (int j = 0; j < tile.width; ++j) {
        const int32_t row = index[job][static_cast<size_t>(tile.first + i)];
        ASSERT_NEAR(tile.c[i * kPanelWidth + j], x.exact(row, tile.panel * 64 + j), x.bound());
      }
    }
  });
  size_t expected = 0;
  for (const MatmulJob& job : jobs) {
    expected += static_cast<size_t>(job.count * job.matrix->panels());
  }
  EXPECT_EQ(seen.size(), expected);
}

TEST_P(MatmulTest, BitsDoNotDependOnThreadsOrOtherRows) {
  for (int64_t inputs : {30, 257}) {
    Operands x(compute(), 260, 150, inputs, 6);
    Executor alone = executor(1);
    std::vector<float> expected(260 * 150);
    for (int64_t r = 0; r < 260; ++r) {
      const int32_t row = static_cast<int32_t>(r);
      matmul_store(alone, {&x.matrix, x.activations, &row, 1}, expected.data() + r * 150, 150);
    }
    for (int threads : {1, 2, 3, 5}) {
      Executor run = executor(threads);
      for (int64_t count : {2, 6, 13, 128, 129, 260}) {
        std::vector<float> out(static_cast<size_t>(count * 150));
        matmul_store(run, {&x.matrix, x.activations, nullptr, count}, out.data(), 150);
        ASSERT_TRUE(std::equal(out.begin(), out.end(), expected.begin()))
            << threads << " threads, " << count << " rows";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, MatmulTest,
                         testing::Combine(testing::Values(Compute::kF32, Compute::kBF16),
                                          testing::ValuesIn(available_kernels())),
                         [](const auto& info) {
                           return std::string(compute_name(std::get<0>(info.param))) + "_" +
                                  std::string(std::get<1>(info.param)->name);
                         });

}  // namespace
}  // namespace expertoire
