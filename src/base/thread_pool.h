// A small pool for loops of independent tasks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace expertoire {

/// Runs loops on a fixed set of threads; the caller's thread is one of them. One loop at a time:
/// a pool belongs to one session. Which thread runs a task is not fixed, so tasks must not share
/// outputs; then results do not depend on the number of threads.
class ThreadPool {
 public:
  using Body = std::function<void(int64_t task, int64_t ahead, int worker)>;

  /// `threads` ≥ 1 workers, the caller included; 0 = one per available CPU. Errors: kIo when the
  /// system gives no more threads.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls body(task, worker) for every task in [0, tasks), worker in [0, threads()), handing out
  /// tasks in rising order as workers become free. Returns when all are done. The first exception
  /// is rethrown here after the others have stopped; tasks that nobody has taken by then are
  /// dropped.
  void parallel_for(int64_t tasks, const std::function<void(int64_t task, int worker)>& body);

  /// The same, for tasks that read memory: body also learns the task that this worker takes next,
  /// so that it can fetch early, or -1 when that is not settled (towards the end of the loop).
  void parallel_for_ahead(int64_t tasks, const Body& body);

  /// CPUs that this process may use.
  static int available_cpus();

 private:
  void run(int64_t tasks, bool claim_ahead, const Body& body);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace expertoire
