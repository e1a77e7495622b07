// Named stages of a forward pass: which there are, their rows and widths, and that they are those
// of the pass.
#include "engine/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "support/errors.h"
#include "support/miniature.h"
#include "support/naive_model.h"

namespace expertoire::test {
namespace {

using testing::HasSubstr;

const std::vector<std::vector<int32_t>> kTexts = {{4, 8, 15}, {16}, {23, 42, 4, 8, 15, 16, 23}};
constexpr int64_t kRows = 11;

// The rows of a captured tensor as numbers.
template <class T>
std::vector<T> values(const CapturedTensor& tensor) {
  std::vector<T> out(tensor.bytes.size() / sizeof(T));
  std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
  return out;
}

class CaptureTest : public testing::TestWithParam<std::string> {
 protected:
  const Miniature miniature_ = Miniature::random(GetParam());
  Session session_{miniature_.load(), {2}};
  const ModelConfig& config() const { return session_.model().config(); }

  // Width and type of what a layer that routes shows.
  std::map<std::string, std::pair<int64_t, DType>> routing_stages() const {
    std::map<std::string, std::pair<int64_t, DType>> stages = {
        {"ffn_input", {config().hidden_size, DType::kF32}}};
    if (const int64_t keys = config().monet.keys; keys > 0) {
      const int64_t heads = config().monet.heads;
      for (const std::string side : {"1", "2"}) {
        stages["router_logits" + side] = {heads * keys, DType::kF32};
        stages["router_normalized" + side] = {heads * keys, DType::kF32};
        stages["g" + side] = {heads * keys, DType::kF32};
        stages["active" + side] = {heads, DType::kI32};
      }
      if (keys <= 64) stages["joint"] = {keys * keys, DType::kF32};
      stages["joint_top_ids"] = {16, DType::kI32};
      stages["joint_top_scores"] = {16, DType::kF32};
      stages["experts_above_1e-2"] = {1, DType::kI32};
      return stages;
    }
    stages["router_logits"] = {config().router_outputs(), DType::kF32};
    stages["router_probs"] = {config().router_outputs(), DType::kF32};
    stages["topk_ids"] = {config().router.top_k, DType::kI32};
    stages["topk_weights"] = {config().router.top_k, DType::kF32};
    if (config().shared_intermediate_size > 0) stages["shared_weights"] = {1, DType::kF32};
    return stages;
  }
};

TEST_P(CaptureTest, EveryStageHasItsRowsAndWidth) {
  Capture capture(Capture::stage_names());
  capture.run(session_, kTexts);
  std::map<std::string, std::pair<int64_t, DType>> expected = {
      {"final_norm", {config().hidden_size, DType::kF32}},
      {"logits", {config().vocab_size, DType::kF32}}};
  for (int i = 0; i <= config().num_hidden_layers; ++i) {
    expected["hidden_states." + std::to_string(i)] = {config().hidden_size, DType::kF32};
  }
  for (int layer : config().routing_layers()) {
    for (const auto& [stage, shape] : routing_stages()) {
      expected[stage + "." + std::to_string(layer)] = shape;
    }
  }
  ASSERT_EQ(capture.tensors().size(), expected.size());
  for (const auto& [name, shape] : expected) {
    ASSERT_TRUE(capture.tensors().contains(name)) << name;
    const CapturedTensor& tensor = capture.tensors().at(name);
    EXPECT_EQ(tensor.rows(), kRows) << name;
    EXPECT_EQ(tensor.width, shape.first) << name;
    EXPECT_EQ(tensor.dtype, shape.second) << name;
  }
}

TEST_P(CaptureTest, RowsAreThoseOfThePlainModelTextAfterText) {
  Capture capture({"hidden_states", "final_norm", "logits", "router_logits"});
  capture.run(session_, kTexts);
  const NaiveModel naive(miniature_);
  const auto expect_rows = [&](const std::string& name, size_t first, const Matrix& rows) {
    const CapturedTensor& tensor = capture.tensors().at(name);
    const std::vector<float> got = values<float>(tensor);
    for (size_t t = 0; t < rows.size(); ++t) {
      const float* row = got.data() + (first + t) * static_cast<size_t>(tensor.width);
      EXPECT_LE(relative_error(row, rows[t]), 1e-4) << name << " row " << first + t;
    }
  };
  size_t first = 0;
  for (const std::vector<int32_t>& ids : kTexts) {
    const NaiveModel::Pass pass = naive.run(ids);
    for (size_t i = 0; i < pass.hidden.size(); ++i) {
      expect_rows("hidden_states." + std::to_string(i), first, pass.hidden[i]);
    }
    for (const auto& [layer, rows] : pass.router_logits) {
      expect_rows("router_logits." + std::to_string(layer), first, rows);
    }
    expect_rows("final_norm", first, pass.final_norm);
    expect_rows("logits", first, pass.logits);
    first += ids.size();
  }
}

TEST_P(CaptureTest, OnlyWhatWasAskedFor) {
  Capture capture({"final_norm", "ffn_input"});
  EXPECT_TRUE(capture.wants("ffn_input"));
  EXPECT_FALSE(capture.wants("logits"));
  capture.run(session_, kTexts);
  for (const auto& [name, tensor] : capture.tensors()) {
    EXPECT_TRUE(name == "final_norm" || name.starts_with("ffn_input.")) << name;
  }
  EXPECT_EQ(capture.tensors().size(), 1U + config().routing_layers().size());
}

TEST_P(CaptureTest, WrittenAndReadBack) {
  Capture capture({"final_norm", "topk_ids"});
  capture.run(session_, kTexts);
  const TempDir folder;
  write_safetensors(folder.file("o.safetensors"), capture.named_tensors());
  const SafetensorsFile file = SafetensorsFile::open(folder.file("o.safetensors"));
  ASSERT_EQ(file.tensors().size(), capture.tensors().size());
  for (const auto& [name, tensor] : capture.tensors()) {
    const TensorView& view = file.tensor(name);
    EXPECT_EQ(view.shape, (std::vector<int64_t>{kRows, tensor.width}));
    EXPECT_EQ(view.dtype, tensor.dtype);
    ASSERT_EQ(view.bytes, tensor.bytes.size());
    EXPECT_EQ(std::memcmp(view.data, tensor.bytes.data(), view.bytes), 0) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, CaptureTest, testing::ValuesIn(miniature_names()),
                         [](const auto& info) { return info.param; });

TEST(CaptureStagesTest, UnknownStageIsRefusedWithThoseThatThereAre) {
  const auto error = error_of([] { Capture capture({"final_norm", "hidden"}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error->what(), HasSubstr("\"hidden\""));
  for (const std::string& name : Capture::stage_names()) {
    EXPECT_THAT(error->what(), HasSubstr(name));
  }
}

TEST(CaptureStagesTest, LogitsOfAModelWithoutItsHeadAreRefused) {
  const Miniature miniature = Miniature::random("olmoe");
  const TempDir folder;
  miniature.write(folder.path());
  Session session(Model::load(folder.path(), {Compute::kF32, false, 1, {}}), {1});
  Capture capture({"logits"});
  const auto error = error_of([&] { capture.run(session, kTexts); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error->what(), HasSubstr("without its lm_head"));
}

}  // namespace
}  // namespace expertoire::test
