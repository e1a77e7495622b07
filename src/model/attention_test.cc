// One attention layer against plain loops in double: long texts, grouped queries, wide groups.
#include "model/attention.h"

#include <gtest/gtest.h>

#include <random>

#include "model/model.h"
#include "support/miniature.h"
#include "support/naive_model.h"

namespace expertoire::test {
namespace {

struct Shape {
  const char* name;
  int64_t heads, kv_heads, head_dim, tokens;
};

class AttentionTest : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    const Shape& shape = GetParam();
    nlohmann::json config = miniature_config("llama");
    config.update({{"hidden_size", 31},
                   {"num_hidden_layers", 1},
                   {"num_attention_heads", shape.heads},
                   {"num_key_value_heads", shape.kv_heads},
                   {"head_dim", shape.head_dim}});
    miniature_ = Miniature::of(config, 4);
    std::mt19937 random(31);
    std::normal_distribution<double> normal;
    x_.assign(static_cast<size_t>(shape.tokens), Row(31));
    for (Row& row : x_) {
      for (double& value : row) value = static_cast<double>(static_cast<float>(normal(random)));
    }
    expected_ = NaiveModel(miniature_).attention(0, x_);
  }

  // The layer's output for tokens [first, end) that continue `cache`.
  Matrix run(const Model& model, Executor& executor, KvCache& cache, size_t first, size_t end) {
    const int64_t count = static_cast<int64_t>(end - first);
    const int64_t width = model.config().hidden_size;
    RowBuffer input;
    RowBuffer output;
    const Rows rows = input.ensure(model.compute(), count, width);
    const Rows out = output.ensure(Compute::kF32, count, width);
    for (size_t t = first; t < end; ++t) {
      const std::vector<float> x(x_[t].begin(), x_[t].end());
      void* row = rows.row(static_cast<int64_t>(t - first));
      if (model.compute() == Compute::kF32) {
        std::copy(x.begin(), x.end(), static_cast<float*>(row));
      } else {
        executor.kernels().f32_to_bf16(x.data(), width, static_cast<bf16_t*>(row));
      }
      std::fill_n(static_cast<float*>(out.row(static_cast<int64_t>(t - first))), width, 0.0F);
    }
    cache.reserve(static_cast<int64_t>(end));
    RopeTable rope(model.config());
    rope.ensure(static_cast<int64_t>(end));
    AttentionScratch scratch;
    const BatchSlice slice{&cache, 0, count, static_cast<int64_t>(first)};
    attend(executor, {model.config(), model.layers()[0].attention, rope, 0, {&slice, 1}, rows},
           scratch, out);
    cache.commit(static_cast<int64_t>(end));
    Matrix result;
    for (int64_t t = 0; t < count; ++t) {
      const float* row = static_cast<const float*>(out.row(t));
      result.emplace_back(row, row + width);
    }
    return result;
  }

  void expect_close(const Matrix& got, size_t first, double bound) {
    for (size_t t = 0; t < got.size(); ++t) {
      const std::vector<float> row(got[t].begin(), got[t].end());
      ASSERT_LE(relative_error(row.data(), expected_[first + t]), bound) << "token " << first + t;
    }
  }

  Miniature miniature_;
  Matrix x_;
  Matrix expected_;
};

TEST_P(AttentionTest, EqualsPlainLoopsAtEveryLevel) {
  for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
    const std::shared_ptr<const Model> model = miniature_.load(compute);
    for (const KernelTable* kernels : available_kernels()) {
      Executor executor(2, *kernels);
      KvCache cache(model->config(), compute, false);
      const Matrix got = run(*model, executor, cache, 0, x_.size());
      // Half precision rounds x, W, q, k, v, the weights and the context: seven times 2⁻⁹ at most,
      // and an error of a score e is one of a weight.
      expect_close(got, 0, compute == Compute::kF32 ? 1e-5 : 0.02);
    }
  }
}

TEST_P(AttentionTest, ContinuesACacheWithTheSameBits) {
  const std::shared_ptr<const Model> model = miniature_.load();
  Executor executor(3);
  KvCache whole(model->config(), Compute::kF32, false);
  const Matrix expected = run(*model, executor, whole, 0, x_.size());
  const size_t half = x_.size() / 2;
  KvCache parts(model->config(), Compute::kF32, false);
  run(*model, executor, parts, 0, half);
  const Matrix rest = run(*model, executor, parts, half, x_.size());
  for (size_t t = 0; t < rest.size(); ++t) EXPECT_EQ(rest[t], expected[half + t]) << t;
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionTest,
    testing::Values(Shape{"long_text", 2, 2, 16, 300}, Shape{"grouped", 6, 2, 10, 130},
                    Shape{"one_key_head", 24, 1, 6, 70}, Shape{"group_of_a_tile", 128, 1, 2, 20},
                    Shape{"group_over_a_tile", 260, 2, 2, 20}, Shape{"wide_head", 1, 1, 130, 66}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace expertoire::test
