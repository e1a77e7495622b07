// Whole forward passes of every family against plain loops in double, at every SIMD level.
#include "model/decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/session.h"
#include "support/miniature.h"
#include "support/naive_model.h"

namespace expertoire::test {
namespace {

class DecoderTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::mt19937 random(23);
    ids_.resize(75);
    for (int32_t& id : ids_) id = static_cast<int32_t>(random() % 97);
    expected_ = NaiveModel(miniature_).run(ids_);
  }

  // Worst relative error of hidden states and logits over all tokens.
  double worst_error(Compute compute, const KernelTable& kernels) {
    Session session(miniature_.load(compute), {2, &kernels});
    const std::span<const int32_t> ids = ids_;
    session.forward_once({&ids, 1});
    std::vector<int64_t> rows(ids_.size());
    for (size_t t = 0; t < rows.size(); ++t) rows[t] = static_cast<int64_t>(t);
    const size_t vocab = static_cast<size_t>(session.model().config().vocab_size);
    std::vector<float> logits(rows.size() * vocab);
    session.decoder().logits(rows, logits.data());
    double worst = 0;
    for (size_t t = 0; t < ids_.size(); ++t) {
      const float* hidden = session.decoder().hidden(static_cast<int64_t>(t));
      worst = std::max(worst, relative_error(hidden, expected_.hidden.back()[t]));
      worst = std::max(worst, relative_error(logits.data() + t * vocab, expected_.logits[t]));
    }
    return worst;
  }

  const Miniature miniature_ = Miniature::random(GetParam());
  std::vector<int32_t> ids_;
  NaiveModel::Pass expected_;
};

TEST_P(DecoderTest, F32EqualsThePlainModelAtEveryLevel) {
  for (const KernelTable* kernels : available_kernels()) {
    EXPECT_LE(worst_error(Compute::kF32, *kernels), 1e-4) << kernels->name;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, DecoderTest, testing::ValuesIn(miniature_names()),
                         [](const auto& info) { return info.param; });

// Half precision flips a choice of experts now and then, so only a dense model has a bound: eight
// bits of mantissa, a few dozen roundings deep.
TEST(DecoderBf16Test, DenseModelIsCloseToThePlainOneAtEveryLevel) {
  const Miniature miniature = Miniature::random("llama");
  const std::vector<int32_t> ids = {3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46};
  const NaiveModel::Pass expected = NaiveModel(miniature).run(ids);
  for (const KernelTable* kernels : available_kernels()) {
    Session session(miniature.load(Compute::kBF16), {1, kernels});
    const std::span<const int32_t> text = ids;
    session.forward_once({&text, 1});
    for (size_t t = 0; t < ids.size(); ++t) {
      const float* hidden = session.decoder().hidden(static_cast<int64_t>(t));
      EXPECT_LE(relative_error(hidden, expected.hidden.back()[t]), 0.05) << kernels->name;
      EXPECT_GE(relative_error(hidden, expected.hidden.back()[t]), 1e-5) << "not bf16 at all?";
    }
  }
}

}  // namespace
}  // namespace expertoire::test
