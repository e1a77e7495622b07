// Same text, same bits: whatever the batch, its order, the threads, the token budget, and however
// much of the text came from a cache.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/miniature.h"
#include "support/transcript.h"

namespace expertoire::test {
namespace {

#if defined(EXPERTOIRE_SANITIZED)
constexpr int kPlans = 1;
#else
constexpr int kPlans = 2;
#endif
constexpr int64_t kMaxLength = 200;

class Plans {
 public:
  Plans(std::shared_ptr<const Model> model, const KernelTable& kernels, uint64_t seed)
      : model_(std::move(model)), kernels_(kernels), random_(seed) {}

  // Lengths around the borders of blocks (16 tokens, 64 keys, 128 rows), and any others.
  void make_texts(const std::vector<int64_t>& lengths) {
    for (int64_t length : lengths) {
      std::vector<int32_t> ids(static_cast<size_t>(length));
      for (int32_t& id : ids) id = pick<int32_t>(0, vocab() - 1);
      texts_.push_back(std::move(ids));
    }
    Transcript alone(texts_.size());
    Session session(model_, {1, &kernels_});
    for (size_t i = 0; i < texts_.size(); ++i) {
      const std::span<const int32_t> ids = texts_[i];
      alone.run_once(session, {&ids, 1}, {i});
      alone_.push_back(alone.of(i));
    }
  }

  // Whole texts in random order, cut into passes of a random budget; nothing continues them.
  void whole() {
    Session session = random_session({1, 2, 3, 5});
    Transcript transcript(texts_.size());
    const int64_t budget = pick_of({1, 40, 150, 600, 5000});
    std::vector<size_t> batch;
    std::vector<std::span<const int32_t>> ids;
    int64_t tokens = 0;
    const auto run = [&] {
      if (batch.empty()) return;
      transcript.run_once(session, ids, batch);
      ++passes_;
      batch.clear();
      ids.clear();
      tokens = 0;
    };
    for (size_t i : shuffled()) {
      const int64_t count = static_cast<int64_t>(texts_[i].size());
      if (tokens + count > budget) run();
      batch.push_back(i);
      ids.emplace_back(texts_[i]);
      tokens += count;
    }
    run();
    compare(transcript, "whole texts, budget " + std::to_string(budget));
  }

  // Every text through a cache of its own, split at random places; each pass takes the next piece
  // of some texts: prefill beside decode. Now and then a text goes back to an earlier position.
  void pieces(int64_t longest) {
    Session session = random_session({1, 2, 3});
    Transcript transcript(texts_.size());
    std::vector<KvCache> caches;
    for (size_t i = 0; i < texts_.size(); ++i) caches.push_back(session.new_cache());
    for (;;) {
      std::vector<size_t> batch;
      std::vector<Chunk> chunks;
      bool unfinished = false;
      for (size_t i : shuffled()) {
        const size_t done = static_cast<size_t>(caches[i].length());
        const size_t left = texts_[i].size() - done;
        unfinished |= left > 0;
        if (left == 0 || chance(0.3)) continue;
        if (done > 0 && chance(0.05)) {
          rewind(caches[i], i, transcript);
          continue;
        }
        batch.push_back(i);
        chunks.push_back({&caches[i], std::span(texts_[i]).subspan(done, piece(left, longest))});
      }
      if (!unfinished) break;
      if (chunks.empty()) continue;
      transcript.run(session, chunks, batch);
      ++passes_;
    }
    compare(transcript, "pieces of at most " + std::to_string(longest));
  }

  int passes() const { return passes_; }

 private:
  int32_t vocab() const { return static_cast<int32_t>(model_->config().vocab_size); }
  template <class T>
  T pick(T least, T most) {
    return std::uniform_int_distribution<T>(least, most)(random_);
  }
  int64_t pick_of(const std::vector<int64_t>& values) {
    return values[pick<size_t>(0, values.size() - 1)];
  }
  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }

  Session random_session(const std::vector<int64_t>& threads) {
    threads_ = static_cast<int>(pick_of(threads));
    return Session(model_, {threads_, &kernels_});
  }
  std::vector<size_t> shuffled() {
    std::vector<size_t> order(texts_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random_);
    return order;
  }
  // One token, or a piece of any length, or all that is left.
  size_t piece(size_t left, int64_t longest) {
    if (chance(0.25)) return 1;
    const size_t most = std::min(left, static_cast<size_t>(longest));
    return chance(0.2) ? most : pick<size_t>(1, most);
  }
  void rewind(KvCache& cache, size_t text, Transcript& transcript) {
    const int64_t length = pick<int64_t>(0, cache.length() - 1);
    cache.truncate(length);
    transcript.truncate(text, static_cast<size_t>(length));
  }
  void compare(const Transcript& transcript, const std::string& what) {
    for (size_t i = 0; i < texts_.size(); ++i) {
      ASSERT_EQ(difference(transcript.of(i), alone_[i]), "")
          << what << ", text of " << texts_[i].size() << " tokens, " << threads_ << " threads, "
          << kernels_.name << ", " << compute_name(model_->compute());
    }
  }

  std::shared_ptr<const Model> model_;
  const KernelTable& kernels_;
  std::mt19937_64 random_;
  int threads_ = 1;
  int passes_ = 0;
  std::vector<std::vector<int32_t>> texts_;
  std::vector<Record> alone_;
};

class InvarianceTest : public testing::TestWithParam<std::tuple<std::string, Compute>> {};

TEST_P(InvarianceTest, SameTextSameBits) {
  const auto& [name, compute] = GetParam();
  const std::shared_ptr<const Model> model = Miniature::random(name).load(compute, 3);
  uint64_t seed = 1;
  int passes = 0;
  for (const KernelTable* kernels : available_kernels()) {
    Plans plans(model, *kernels, seed++);
    std::mt19937 random(static_cast<uint32_t>(seed));
    std::uniform_int_distribution<int64_t> any(1, kMaxLength);
    plans.make_texts({1, 2, 17, 63 + any(random) % 4, 127 + any(random) % 4, kMaxLength,
                      any(random), any(random)});
    for (int i = 0; i < kPlans; ++i) {
      plans.whole();
      plans.pieces(kMaxLength);
      plans.pieces(30);
      if (HasFatalFailure()) return;
    }
    passes += plans.passes();
  }
  RecordProperty("passes", passes);
  EXPECT_GE(passes, 50 * kPlans) << "too few random batches to say anything";
}

TEST_P(InvarianceTest, DecodeTokenByTokenHasTheBitsOfPrefill) {
  const auto& [name, compute] = GetParam();
  const std::shared_ptr<const Model> model = Miniature::random(name, 2).load(compute, 1);
  for (const KernelTable* kernels : available_kernels()) {
    Plans plans(model, *kernels, 5);
    plans.make_texts({70, 33, 1});
    plans.pieces(1);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, InvarianceTest,
                         testing::Combine(testing::ValuesIn(miniature_names()),
                                          testing::Values(Compute::kF32, Compute::kBF16)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::string(compute_name(std::get<1>(info.param)));
                         });

class TrainedInvarianceTest : public testing::TestWithParam<Compute> {};

TEST_P(TrainedInvarianceTest, SameTextSameBits) {
  const std::shared_ptr<const Model> model =
      Model::load(EXPERTOIRE_SOURCE_DIR "/models/olmoe-small", {GetParam(), true, 2, {}});
  for (const KernelTable* kernels : available_kernels()) {
    Plans plans(model, *kernels, 9);
    plans.make_texts({1, 40, 66, 129});
    plans.whole();
    plans.pieces(64);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(DefaultModel, TrainedInvarianceTest,
                         testing::Values(Compute::kF32, Compute::kBF16),
                         [](const auto& info) { return std::string(compute_name(info.param)); });

}  // namespace
}  // namespace expertoire::test
