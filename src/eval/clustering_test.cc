#include "eval/clustering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "eval/mini_batch_kmeans.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace expertoire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// `clusters` clouds of `each` points, far from each other.
TextVectors clouds(size_t clusters, size_t each) {
  TextVectors vectors(3);
  std::mt19937 random(3);
  std::normal_distribution<float> noise(0, 0.1F);
  for (size_t i = 0; i < clusters * each; ++i) {
    const auto c = static_cast<float>(i % clusters);
    vectors.append(std::vector<float>{c + noise(random), c * c + noise(random), noise(random)});
  }
  return vectors;
}

std::vector<size_t> counting(size_t count) {
  std::vector<size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// sklearn.metrics.v_measure_score
TEST(VMeasureTest, IsScikitLearns) {
  EXPECT_DOUBLE_EQ(v_measure({0, 0, 1, 1}, {5, 5, 3, 3}), 1);
  EXPECT_NEAR(v_measure({0, 0, 1, 1}, {0, 1, 2, 3}), 2.0 / 3, 1e-12);
  EXPECT_NEAR(v_measure({0, 0, 1, 1}, {0, 0, 0, 0}), 0, 1e-12);
  EXPECT_NEAR(v_measure({0, 0, 1, 1}, {0, 1, 0, 1}), 0, 1e-12);
}

TEST(MiniBatchKMeansTest, FindsClouds) {
  const TextVectors vectors = clouds(5, 400);
  const auto rows = counting(2000);
  for (const uint32_t seed : {42U, 43U}) {
    const auto labels = mini_batch_kmeans(vectors, rows, {.clusters = 5, .seed = seed});
    std::vector<uint32_t> truth;
    for (const size_t row : rows) truth.push_back(static_cast<uint32_t>(row % 5));
    EXPECT_GT(v_measure(truth, labels), 0.75);
    EXPECT_EQ(labels, mini_batch_kmeans(vectors, rows, {.clusters = 5, .seed = seed}));
  }
}

TEST(MiniBatchKMeansTest, RefusesMoreClustersThanRows) {
  const TextVectors vectors = clouds(4, 1);
  EXPECT_EQ(mini_batch_kmeans(vectors, counting(4), {.clusters = 4}).size(), 4U);
  const auto error =
      test::error_of([&] { mini_batch_kmeans(vectors, counting(4), {.clusters = 5}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kInvalidArgument);
}

class ClusteringFilesTest : public testing::Test {
 protected:
  ClusteringSet read(const std::string& content, const ClusteringOptions& options = {}) {
    return ClusteringSet::read(folder_.write("a.jsonl", content), {}, options, texts_);
  }
  std::string refusal(const std::string& content) {
    const auto error = test::error_of([&] { read(content); });
    return error ? error->what() : "was read";
  }

  test::TempDir folder_;
  TextTable texts_;
};

TEST_F(ClusteringFilesTest, SplitsOfMtebsForm) {
  const auto set = read(R"({"sentences": ["a", "b", "a"], "labels": ["x", "y", "x"]}
{"sentences": ["c", "b"], "labels": [1, 2]})");
  EXPECT_FALSE(set.sampled);
  ASSERT_EQ(set.splits.size(), 2U);
  EXPECT_THAT(set.splits[0].rows, ElementsAre(0, 1, 0));
  EXPECT_THAT(set.splits[0].classes, ElementsAre(0, 1, 0));
  EXPECT_THAT(set.splits[1].rows, ElementsAre(2, 1));
  EXPECT_EQ(set.splits[1].seed, 42U);
}

TEST_F(ClusteringFilesTest, SamplesOfTexts) {
  std::string content;
  for (int i = 0; i < 30; ++i) {
    content +=
        R"({"text": "t)" + std::to_string(i) + R"(", "label": )" + std::to_string(i % 3) + "}\n";
  }
  const auto set = read(content, {.experiments = 2, .sample = 20});
  EXPECT_TRUE(set.sampled);
  ASSERT_EQ(set.splits.size(), 2U);
  EXPECT_EQ(set.splits[0].rows.size(), 20U);
  EXPECT_EQ(set.splits[1].seed, 43U);
  EXPECT_NE(set.splits[0].rows, set.splits[1].rows);
  EXPECT_LE(texts_.size(), 30U);
  EXPECT_EQ(read(content, {.experiments = 1, .sample = 0}).splits[0].rows.size(), 30U);
}

TEST_F(ClusteringFilesTest, ProgressHearsOfEverySplit) {
  const auto set = read(R"({"sentences": ["a", "b", "c"], "labels": ["x", "y", "x"]}
{"sentences": ["c", "b"], "labels": [1, 2]})");
  TextVectors vectors(1);
  for (const float value : {0.F, 1.F, 0.25F}) vectors.append({&value, 1});
  std::vector<std::pair<int64_t, int64_t>> heard;
  score_clustering(set, vectors, {.resamples = 0},
                   [&](int64_t done, int64_t total) { heard.emplace_back(done, total); });
  EXPECT_THAT(heard, ElementsAre(Pair(1, 2), Pair(2, 2)));
}

TEST_F(ClusteringFilesTest, RefusesWhatCannotBeClustered) {
  EXPECT_THAT(refusal(R"({"sentences": ["a", "b"], "labels": [1, 1]})"),
              HasSubstr("line 1: one label only"));
  EXPECT_THAT(refusal(R"({"sentences": ["a", "b"], "labels": [1]})"),
              HasSubstr("2 sentences and 1 labels"));
  EXPECT_THAT(refusal("{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 1}"),
              HasSubstr("one label only"));
  EXPECT_THAT(
      refusal(
          "{\"text\": \"a\", \"label\": 1}\n{\"sentences\": [\"a\", \"b\"], \"labels\": [1, 2]}"),
      HasSubstr("rows of one form"));
}

}  // namespace
}  // namespace expertoire
