// Every stage of every golden checkpoint, at every SIMD level, in prefill and in decode: those of
// the shared data, and the smaller ones of the repository (tests/fixtures/README.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <tuple>

#include "engine/capture.h"
#include "engine/score.h"
#include "support/shared.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

const std::vector<std::string> kGoldens = {
    "olmoe-a",           "olmoe-bf16",         "olmoe-clip-norm",    "qwen2moe-a",
    "qwen2moe-mixed",    "deepseek-a",         "deepseek-gqa-norm",  "mixtral-a",
    "mixtral-f16",       "qwen3moe-a",         "llama-tied",         "llama-untied",
    "llama3-rope",       "monet/monet-vd-512", "monet/monet-hd-512", "monet/monet-vd-16",
    "monet/monet-hd-16", "monet/monet-vd-bf16"};

// The first two have no configuration in the layout of transformers 5, which knows neither.
const std::vector<std::string> kFixtures = {
    "deepseek-freq",     "peer",        "llama-biases", "llama-linear",   "llama-yarn-factor",
    "llama-yarn-mscale", "mixtral-f16", "olmoe-clip",   "qwen2moe-mixed", "qwen3moe-heads",
    "qwen3moe-yarn"};

std::string fixture(const std::string& name) { return fixture_folder() + "/models/" + name; }

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

std::shared_ptr<const Model> load_f32(const std::string& folder) {
  return Model::load(folder,
                     {.compute = Compute::kF32, .lm_head = true, .threads = 1, .progress = {}});
}

std::vector<std::vector<int32_t>> sequences_of(const SafetensorsFile& outputs) {
  std::vector<std::vector<int32_t>> sequences;
  const std::vector<int32_t> ids = integers(outputs.tensor("input_ids"));
  auto at = ids.begin();
  for (int32_t length : integers(outputs.tensor("seq_lens"))) {
    sequences.emplace_back(at, at + length);
    at += length;
  }
  return sequences;
}

struct Golden {
  std::string name;
  bool shared;
};

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.name; }

class GoldenTest : public testing::TestWithParam<std::tuple<Golden, const KernelTable*>> {
 protected:
  void SetUp() override {
    const Golden& golden = std::get<0>(GetParam());
    std::string folder = fixture(golden.name);
    if (golden.shared) {
      EXPERTOIRE_NEEDS_SHARED("goldens/" + golden.name);
      folder = shared_folder() + "/goldens/" + golden.name;
    }
    outputs_ =
        std::make_unique<SafetensorsFile>(SafetensorsFile::open(folder + "/outputs.safetensors"));
    sequences_ = sequences_of(*outputs_);
    model_ = load_f32(folder);
    session_ = std::make_unique<Session>(model_, SessionOptions{2, std::get<1>(GetParam())});
  }

  // Bounds of the goldens' README: about twice the reference's own float32 error. Every stage that
  // the golden has must have been captured.
  void compare(const Capture& capture) {
    for (const auto& [name, view] : outputs_->tensors()) {
      if (!is_stage(name)) continue;
      ASSERT_TRUE(capture.tensors().contains(name)) << name;
      const CapturedTensor& got = capture.tensors().at(name);
      ASSERT_EQ(got.rows() * got.width, view.elements()) << name;
      if (got.dtype == DType::kI32) {
        std::vector<int32_t> ids(static_cast<size_t>(view.elements()));
        std::memcpy(ids.data(), got.bytes.data(), got.bytes.size());
        EXPECT_EQ(ids, integers(view)) << name;
      } else {
        compare_floats(name, reinterpret_cast<const float*>(got.bytes.data()), floats(view));
      }
    }
  }

  static bool is_stage(const std::string& name) {
    for (const char* other : {"input_ids", "seq_lens", "generated", "nll_mean", "float64."}) {
      if (name.starts_with(other)) return false;
    }
    return true;
  }

  static void compare_floats(const std::string& name, const float* got,
                             const std::vector<float>& expected) {
    float largest = 0;
    for (float value : expected) largest = std::max(largest, std::abs(value));
    bool absolute = false;
    for (const char* stage : {"router_probs", "topk_weights", "g1", "g2", "joint"}) {
      absolute = absolute || name.starts_with(stage);
    }
    const float bound = absolute ? 1e-5F : 1e-5F * largest;
    for (size_t i = 0; i < expected.size(); ++i) {
      const float error = std::abs(got[i] - expected[i]);
      ASSERT_TRUE(error <= bound) << name << " element " << i << ": " << got[i] << " for "
                                  << expected[i];
    }
  }

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
  Capture capture(Capture::stage_names());
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

TEST_P(GoldenTest, LogProbabilitiesMatch) {
  const std::vector<float> expected = floats(outputs_->tensor("nll_mean"));
  for (size_t i = 0; i < sequences_.size(); ++i) {
    if (sequences_[i].size() < 2) continue;
    double sum = 0;
    const std::vector<double> scores = token_log_probs(*session_, sequences_[i], 1);
    for (double score : scores) sum -= score;
    EXPECT_NEAR(sum / static_cast<double>(scores.size()), expected[i], 1e-5) << i;
  }
}

std::vector<Golden> all(const std::vector<std::string>& names, bool shared) {
  std::vector<Golden> goldens;
  for (const std::string& name : names) goldens.push_back({name, shared});
  return goldens;
}

std::string plain(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '/'; }, '_');
  return name;
}

std::string case_name(const testing::TestParamInfo<GoldenTest::ParamType>& info) {
  const auto& [golden, kernels] = info.param;
  return plain(golden.name + "_" + std::string(kernels->name));
}

INSTANTIATE_TEST_SUITE_P(Shared, GoldenTest,
                         testing::Combine(testing::ValuesIn(all(kGoldens, true)),
                                          testing::ValuesIn(available_kernels())),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Fixtures, GoldenTest,
                         testing::Combine(testing::ValuesIn(all(kFixtures, false)),
                                          testing::ValuesIn(available_kernels())),
                         case_name);

TEST(FixturesTest, AllThatLieThereAreTested) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(fixture_folder() + "/models")) {
    found.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(found, testing::UnorderedElementsAreArray(kFixtures));
}

class ModernConfigTest : public testing::TestWithParam<std::string> {};

// rope_theta + rope_scaling, and rope_parameters as transformers 5 writes them.
TEST_P(ModernConfigTest, BothLayoutsOfAConfigurationGiveTheSameBits) {
  namespace fs = std::filesystem;
  const std::string folder = fixture(GetParam());
  const test::TempDir modern;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("model")) fs::create_symlink(entry.path(), modern.file(name));
  }
  fs::copy_file(folder + "/config.v5.json", modern.file("config.json"));
  const auto sequences = sequences_of(SafetensorsFile::open(folder + "/outputs.safetensors"));
  Capture captures[2] = {Capture(Capture::stage_names()), Capture(Capture::stage_names())};
  Session old_session(load_f32(folder)), modern_session(load_f32(modern.path()));
  captures[0].run(old_session, sequences);
  captures[1].run(modern_session, sequences);
  ASSERT_GT(captures[0].tensors().size(), 4U);
  for (const auto& [name, tensor] : captures[0].tensors()) {
    EXPECT_EQ(tensor.bytes, captures[1].tensors().at(name).bytes) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ModernConfigTest,
                         testing::ValuesIn(kFixtures.begin() + 2, kFixtures.end()),
                         [](const auto& info) { return plain(info.param); });

}  // namespace
}  // namespace expertoire
