// The strict table of tensors: what is missing, misspelled, misshapen, of another type, not finite
// or left over is named; storage types do not change results.
#include "model/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/half.h"
#include "engine/session.h"
#include "support/errors.h"
#include "support/miniature.h"

namespace expertoire::test {
namespace {

using testing::HasSubstr;

const std::string kDown = "model.layers.1.mlp.experts.3.down_proj.weight";
const std::string kNorm = "model.layers.0.input_layernorm.weight";

class WeightsTest : public testing::Test {
 protected:
  void expect_refused(ErrorCode code, const std::vector<std::string>& words) {
    for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
      const auto error = error_of([&] { model_.load(compute, 2); });
      ASSERT_TRUE(error) << words[0];
      EXPECT_EQ(error->code(), code) << error->what();
      for (const std::string& word : words) EXPECT_THAT(error->what(), HasSubstr(word));
    }
  }
  void rename(const std::string& name, const std::string& to) {
    auto node = model_.tensors.extract(name);
    node.key() = to;
    model_.tensors.insert(std::move(node));
  }

  Miniature model_ = Miniature::random("olmoe");
};

TEST_F(WeightsTest, MissingTensorIsNamed) {
  model_.tensors.erase(kDown);
  expect_refused(ErrorCode::kNotFound, {kDown, "[48, 20]"});
}

TEST_F(WeightsTest, MisspelledTensorIsNamedWithWhatIsThere) {
  rename("model.norm.weight", "model.nrom.weight");
  expect_refused(ErrorCode::kNotFound, {"model.norm.weight", "model.nrom.weight", "[48]"});
}

TEST_F(WeightsTest, OtherShapeIsNamedWithBoth) {
  model_.tensors.at(kDown).shape = {20, 48};
  expect_refused(ErrorCode::kBadFile, {kDown, "[20, 48]", "[48, 20]"});
  model_ = Miniature::random("olmoe");
  model_.tensors.at(kNorm).shape = {1, 48};
  expect_refused(ErrorCode::kBadFile, {kNorm, "[1, 48]"});
}

TEST_F(WeightsTest, LeftOverTensorsAreCountedAndNamed) {
  for (const char* name : {"a.weight", "b.weight", "c.weight", "model.layers.9.extra"}) {
    model_.tensors[name] = {{2}, {1, 2}};
  }
  expect_refused(ErrorCode::kBadFile, {"4 tensors", "a.weight", "b.weight", "c.weight", "…"});
}

TEST_F(WeightsTest, LayersThatTheConfigDoesNotHaveAreLeftOver) {
  model_.config["num_hidden_layers"] = 2;
  expect_refused(ErrorCode::kBadFile, {"model.layers.2."});
}

TEST_F(WeightsTest, DerivedAndTiedTensorsMayBeThere) {
  model_.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = {{6}, std::vector<float>(6, 1)};
  EXPECT_NO_THROW(model_.load());
  Miniature tied = Miniature::random("llama");
  tied.tensors["lm_head.weight"] = {{97, 33}, std::vector<float>(97 * 33, 1)};
  EXPECT_NO_THROW(tied.load());
}

TEST_F(WeightsTest, ValuesThatAreNotFiniteAreNamed) {
  for (const std::string& name : {kDown, kNorm, std::string("lm_head.weight"),
                                  std::string("model.layers.2.mlp.gate.weight")}) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      model_ = Miniature::random("olmoe");
      model_.tensors.at(name).values.back() = bad;
      expect_refused(ErrorCode::kNumeric, {name, "NaN or infinite"});
    }
  }
}

// --- Storage types
// --------------------------------------------------------------------------------

// Values that bf16 and f16 both hold exactly.
void round_values(Miniature& model) {
  for (auto& [name, tensor] : model.tensors) {
    for (float& value : tensor.values) {
      value = std::abs(value) < 1e-4F ? 0.0F : bf16_to_f32(f32_to_bf16(value));
    }
  }
}

uint16_t exact_f16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (value == 0.0F) return 0;
  const uint32_t exponent = ((bits >> 23) & 0xff) - 112;
  const auto half =
      static_cast<uint16_t>((bits >> 16 & 0x8000) | exponent << 10 | (bits >> 13 & 0x3ff));
  EXPECT_EQ(f16_to_f32(half), value);
  return half;
}

// The checkpoint with every tensor stored as `dtype`; with a header of odd length, so that no
// tensor is aligned, if asked.
void write_as(const Miniature& model, DType dtype, bool misaligned, const std::string& folder) {
  std::vector<std::vector<uint16_t>> storage;
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : model.tensors) {
    std::vector<uint16_t>& halves = storage.emplace_back();
    for (float value : tensor.values) {
      halves.push_back(dtype == DType::kBF16 ? f32_to_bf16(value) : exact_f16(value));
    }
    const void* data = dtype == DType::kF32 ? static_cast<const void*>(tensor.values.data())
                                            : static_cast<const void*>(halves.data());
    named.push_back({name,
                     {dtype, tensor.shape, static_cast<const std::byte*>(data),
                      tensor.values.size() * dtype_size(dtype)}});
  }
  model.write(folder);
  const std::string path = folder + "/model.safetensors";
  write_safetensors(path, named);
  if (!misaligned) return;
  std::string bytes = read_bytes(path);
  uint64_t header;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.insert(sizeof header + header, " ");
  ++header;
  std::memcpy(bytes.data(), &header, sizeof header);
  std::ofstream(path, std::ios::binary) << bytes;
}

std::vector<float> last_hidden(const std::string& folder, Compute compute) {
  Session session(Model::load(folder, {compute, true, 1, {}}), {1});
  const std::vector<int32_t> ids = {5, 6, 7, 8};
  const std::span<const int32_t> text = ids;
  session.forward_once({&text, 1});
  const float* hidden = session.decoder().hidden(3);
  return {hidden, hidden + session.model().config().hidden_size};
}

TEST(StorageTest, TypeAndAlignmentDoNotChangeResults) {
  for (const char* name : {"qwen2_moe", "llama"}) {
    Miniature model = Miniature::random(name);
    round_values(model);
    for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
      const TempDir folder;
      write_as(model, DType::kF32, false, folder.path());
      const std::vector<float> expected = last_hidden(folder.path(), compute);
      for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
        for (const bool misaligned : {false, true}) {
          write_as(model, dtype, misaligned, folder.path());
          EXPECT_EQ(last_hidden(folder.path(), compute), expected)
              << name << " " << dtype_name(dtype) << (misaligned ? " misaligned" : "");
        }
      }
    }
  }
}

TEST(StorageTest, OtherTypesAreUnsupported) {
  const Miniature model = Miniature::random("olmoe");
  const TempDir folder;
  model.write(folder.path());
  std::vector<NamedTensor> named;
  std::vector<std::vector<int8_t>> storage;
  for (const auto& [name, tensor] : model.tensors) {
    storage.emplace_back(tensor.values.size(), 1);
    named.push_back(
        {name,
         {DType::kI8, tensor.shape, reinterpret_cast<const std::byte*>(storage.back().data()),
          tensor.values.size()}});
  }
  write_safetensors(folder.path() + "/model.safetensors", named);
  const auto error = error_of([&] { Model::load(folder.path(), {}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error->what(), HasSubstr("dtype I8"));
}

}  // namespace
}  // namespace expertoire::test
