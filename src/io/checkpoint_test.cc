#include "io/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/shared.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using test::error_of;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file with one-element F32 tensors of these names; element i is i.
void write_shard(const std::string& path, const std::vector<std::string>& names) {
  std::vector<float> values(names.size());
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < names.size(); ++i) {
    values[i] = static_cast<float>(i);
    tensors.push_back(
        {names[i], {DType::kF32, {1}, reinterpret_cast<const std::byte*>(&values[i]), 4}});
  }
  write_safetensors(path, tensors);
}

float value_of(const Checkpoint& checkpoint, const std::string& name) {
  float value = -1.0f;
  read_f32(checkpoint.tensor(name), 0, 1, &value);
  return value;
}

constexpr const char* kIndex = "model.safetensors.index.json";

TEST(CheckpointTest, ReadsOneFile) {
  const TempDir dir;
  write_shard(dir.file("model.safetensors"), {"b", "a"});
  const auto checkpoint = Checkpoint::open(dir.path());
  EXPECT_THAT(checkpoint.names(), ElementsAre("a", "b"));
  EXPECT_TRUE(checkpoint.contains("a"));
  EXPECT_FALSE(checkpoint.contains("c"));
  EXPECT_EQ(value_of(checkpoint, "a"), 1.0f);
  checkpoint.release("a");
  EXPECT_EQ(value_of(checkpoint, "a"), 1.0f);
}

TEST(CheckpointTest, SampleTellsCheckpointsOfOneShapeApart) {
  const TempDir dir;
  const auto sample = [&](const std::vector<std::string>& names) {
    write_shard(dir.file("model.safetensors"), names);
    return Checkpoint::open(dir.path()).sample();
  };
  const std::string before = sample({"a", "b"});
  EXPECT_EQ(sample({"a", "b"}), before);
  EXPECT_NE(sample({"b", "a"}), before) << "other values";
  EXPECT_NE(sample({"a", "c"}), before) << "other names";
}

TEST(CheckpointTest, ReadsShards) {
  const TempDir dir;
  write_shard(dir.file("m-1.safetensors"), {"a", "d"});
  write_shard(dir.file("m-2.safetensors"), {"b", "c"});
  dir.write(kIndex, R"({"metadata":{"total_size":16},"weight_map":{"a":"m-1.safetensors",
    "b":"m-2.safetensors","c":"m-2.safetensors","d":"m-1.safetensors"}})");
  const auto checkpoint = Checkpoint::open(dir.path());
  EXPECT_THAT(checkpoint.names(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(value_of(checkpoint, "d"), 1.0f);
  EXPECT_EQ(value_of(checkpoint, "b"), 0.0f);
}

TEST(CheckpointTest, NamesTheFolderOfAMissingTensor) {
  const TempDir dir;
  write_shard(dir.file("model.safetensors"), {"a"});
  const auto checkpoint = Checkpoint::open(dir.path());
  const auto error = error_of([&] { (void)checkpoint.tensor("w"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kNotFound);
  EXPECT_THAT(error->what(), HasSubstr(dir.path()));
  EXPECT_THAT(error->what(), HasSubstr("\"w\""));
}

TEST(CheckpointTest, AFolderWithoutWeightsAndNoFolderAreNotFound) {
  const TempDir dir;
  for (const std::string& folder : {dir.path(), dir.file("nowhere")}) {
    const auto error = error_of([&] { Checkpoint::open(folder); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::kNotFound);
    EXPECT_THAT(error->what(), HasSubstr(folder));
  }
}

TEST(CheckpointTest, RefusesAnIndexThatDoesNotMatchItsShards) {
  const TempDir dir;
  write_shard(dir.file("m-1.safetensors"), {"a", "b"});
  write_shard(dir.file("m-2.safetensors"), {"b"});
  struct Case {
    std::string map;
    std::string words;
  };
  const std::vector<Case> cases = {
      {R"({"a":"m-1.safetensors"})", "\"b\" in \"m-1.safetensors\", where the index does not"},
      {R"({"a":"m-1.safetensors","b":"m-2.safetensors"})", "\"b\" in \"m-1.safetensors\", where"},
      {R"({"a":"m-1.safetensors","b":"m-1.safetensors","c":"m-1.safetensors"})",
       "\"c\" is not in \"m-1.safetensors\""},
      {R"({"a":"m-3.safetensors"})", "\"m-3.safetensors\" is not there"},
      {R"({"a":"../m-1.safetensors"})", "\"../m-1.safetensors\""},
      {R"({"a":"/etc/passwd"})", "\"/etc/passwd\""},
      {R"({"a":".."})", "\"..\""},
      {R"({"a":""})", "\"\""},
      {R"({"a":7})", "\"a\" without a file name"},
      {R"([])", "weight_map"}};
  for (const Case& c : cases) {
    dir.write(kIndex, R"({"weight_map":)" + c.map + "}");
    const auto error = error_of([&] { Checkpoint::open(dir.path()); });
    ASSERT_TRUE(error) << c.map;
    EXPECT_EQ(error->code(), ErrorCode::kBadFile) << c.map;
    EXPECT_THAT(error->what(), HasSubstr(c.words));
  }
}

TEST(CheckpointTest, OpensAShardedGolden) {
  const std::string name = "goldens/qwen2moe-mixed";
  EXPERTOIRE_NEEDS_SHARED(name);
  const auto checkpoint = Checkpoint::open(shared_folder() + "/" + name);
  EXPECT_TRUE(checkpoint.contains("model.embed_tokens.weight"));
  EXPECT_GT(checkpoint.names().size(), 10u);
}

}  // namespace
}  // namespace expertoire
