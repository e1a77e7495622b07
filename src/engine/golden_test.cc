// Every stage of every golden checkpoint, at every SIMD level, in prefill and in decode.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <tuple>

#include "engine/capture.h"
#include "support/shared.h"

namespace expertoire {
namespace {

const std::vector<std::string> kGoldens = {
    "olmoe-a",    "olmoe-bf16",        "olmoe-clip-norm", "qwen2moe-a",  "qwen2moe-mixed",
    "deepseek-a", "deepseek-gqa-norm", "mixtral-a",       "mixtral-f16", "qwen3moe-a",
    "llama-tied", "llama-untied",      "llama3-rope"};

std::vector<float> floats(const TensorView& view) {
  std::vector<float> values(static_cast<size_t>(view.elements()));
  read_f32(view, 0, view.elements(), values.data());
  return values;
}

std::vector<int32_t> integers(const TensorView& view) {
  std::vector<int32_t> values(static_cast<size_t>(view.elements()));
  std::memcpy(values.data(), view.data, view.bytes);
  return values;
}

class GoldenTest : public testing::TestWithParam<std::tuple<std::string, const KernelTable*>> {
 protected:
  void SetUp() override {
    const std::string folder = "goldens/" + std::get<0>(GetParam());
    EXPERTOIRE_NEEDS_SHARED(folder);
    folder_ = shared_folder() + "/" + folder;
    outputs_ =
        std::make_unique<SafetensorsFile>(SafetensorsFile::open(folder_ + "/outputs.safetensors"));
    model_ = Model::load(folder_,
                         {.compute = Compute::kF32, .lm_head = true, .threads = 1, .progress = {}});
    session_ = std::make_unique<Session>(model_, SessionOptions{2, std::get<1>(GetParam())});
    const std::vector<int32_t> ids = integers(outputs_->tensor("input_ids"));
    auto at = ids.begin();
    for (int32_t length : integers(outputs_->tensor("seq_lens"))) {
      sequences_.emplace_back(at, at + length);
      at += length;
    }
  }

  // Bounds of the goldens' README: about twice the reference's own float32 error.
  void compare(const Capture& capture) {
    size_t compared = 0;
    for (const auto& [name, view] : outputs_->tensors()) {
      const auto found = capture.tensors().find(name);
      if (found == capture.tensors().end()) continue;
      ++compared;
      const CapturedTensor& got = found->second;
      ASSERT_EQ(got.rows() * got.width, view.elements()) << name;
      if (got.dtype == DType::kI32) {
        std::vector<int32_t> ids(static_cast<size_t>(view.elements()));
        std::memcpy(ids.data(), got.bytes.data(), got.bytes.size());
        EXPECT_EQ(ids, integers(view)) << name;
        continue;
      }
      const std::vector<float> expected = floats(view);
      const float* values = reinterpret_cast<const float*>(got.bytes.data());
      float largest = 0;
      for (float value : expected) largest = std::max(largest, std::abs(value));
      const bool absolute = name.starts_with("router_probs") || name.starts_with("topk_weights");
      const float bound = absolute ? 1e-5F : 1e-5F * largest;
      float worst = 0;
      for (size_t i = 0; i < expected.size(); ++i) {
        worst = std::max(worst, std::abs(values[i] - expected[i]));
      }
      EXPECT_LE(worst, bound) << name;
    }
    const size_t sparse = static_cast<size_t>(model_->config().sparse_layers());
    EXPECT_GE(compared, 2 + 4 * sparse);
  }

  std::string folder_;
  std::unique_ptr<SafetensorsFile> outputs_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Session> session_;
  std::vector<std::vector<int32_t>> sequences_;
};

TEST_P(GoldenTest, PrefillMatchesEveryStage) {
  Capture capture(Capture::stage_names());
  capture.run(*session_, sequences_);
  compare(capture);
}

TEST_P(GoldenTest, DecodeTokenByTokenMatchesEveryStage) {
  Capture capture(
      {"final_norm", "logits", "router_logits", "router_probs", "topk_ids", "topk_weights"});
  for (const std::vector<int32_t>& ids : sequences_) {
    KvCache cache = session_->new_cache();
    for (size_t i = 0; i < ids.size(); ++i) {
      const Chunk chunk{&cache, std::span(ids).subspan(i, 1)};
      session_->forward({&chunk, 1}, &capture, &capture);
      capture.add_outputs(*session_);
    }
  }
  compare(capture);
}

TEST_P(GoldenTest, GreedyContinuationIsExact) {
  const std::vector<int32_t> from = integers(outputs_->tensor("generated_from"));
  std::vector<float> logits(static_cast<size_t>(model_->config().vocab_size));
  for (size_t i = 0; i < from.size(); ++i) {
    const std::vector<int32_t> expected =
        integers(outputs_->tensor("generated." + std::to_string(i)));
    KvCache cache = session_->new_cache();
    std::vector<int32_t> next = sequences_[static_cast<size_t>(from[i])];
    std::vector<int32_t> got;
    while (got.size() < expected.size()) {
      const Chunk chunk{&cache, next};
      session_->forward({&chunk, 1});
      const int64_t row = session_->decoder().last_row(0);
      session_->decoder().logits({&row, 1}, logits.data());
      next = {
          static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin())};
      got.push_back(next[0]);
    }
    EXPECT_EQ(got, expected);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest,
                         testing::Combine(testing::ValuesIn(kGoldens),
                                          testing::ValuesIn(available_kernels())),
                         [](const auto& info) {
                           std::string name = std::get<0>(info.param) + "_" +
                                              std::string(std::get<1>(info.param)->name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace expertoire
