#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace expertoire {
namespace {

TEST(ThreadPoolTest, EveryTaskRunsOnceForAnyThreadsAndTasks) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> count(static_cast<size_t>(tasks));
      pool.parallel_for(tasks, [&](int64_t task, int worker) {
        EXPECT_LT(worker, threads);
        ++count[static_cast<size_t>(task)];
      });
      for (const auto& c : count) EXPECT_EQ(c.load(), 1);
    }
  }
}

TEST(ThreadPoolTest, ManyShortLoopsFollowEachOther) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  for (int loop = 0; loop < 5000; ++loop) {
    pool.parallel_for(4, [&](int64_t task, int) { sum += task; });
  }
  EXPECT_EQ(sum.load(), 5000 * 6);
}

TEST(ThreadPoolTest, AheadIsTheTaskThatThisWorkerTakesNext) {
  constexpr int64_t kTasks = 500;
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    std::vector<std::vector<std::pair<int64_t, int64_t>>> taken(static_cast<size_t>(threads));
    pool.parallel_for_ahead(kTasks, [&](int64_t task, int64_t ahead, int worker) {
      taken[static_cast<size_t>(worker)].emplace_back(task, ahead);
    });
    std::vector<int> count(kTasks, 0);
    int64_t known = 0;
    for (const auto& tasks : taken) {
      for (size_t i = 0; i < tasks.size(); ++i) {
        ++count[static_cast<size_t>(tasks[i].first)];
        if (tasks[i].second < 0) continue;
        ++known;
        ASSERT_LT(i + 1, tasks.size());
        EXPECT_EQ(tasks[i + 1].first, tasks[i].second);
      }
    }
    EXPECT_EQ(count, std::vector<int>(kTasks, 1));
    EXPECT_GE(known, kTasks - 3 * threads) << "only the end of a loop is not settled";
  }
}

TEST(ThreadPoolTest, ExceptionReachesTheCallerAndThePoolLivesOn) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(100,
                                 [](int64_t task, int) {
                                   if (task == 37) throw std::runtime_error("x");
                                 }),
               std::runtime_error);
  std::atomic<int> count{0};
  pool.parallel_for(10, [&](int64_t, int) { ++count; });
  EXPECT_EQ(count.load(), 10);
}

}  // namespace
}  // namespace expertoire
