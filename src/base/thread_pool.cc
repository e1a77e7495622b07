#include "base/thread_pool.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"

namespace expertoire {
namespace {

// Loops of a forward pass follow each other within microseconds, so a worker looks for the next
// one for a while before it sleeps. Counted in pauses of roughly 40 ns.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

struct ThreadPool::State {
  std::vector<std::thread> workers;

  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> generation{0};  // counts loops; a change means "there is work"
  std::atomic<bool> stop{false};

  // The loop that runs; written before `generation` moves, read by workers after.
  const Body* body = nullptr;
  int64_t tasks = 0;
  int64_t settled = 0;  // workers that begin a task below this one claim their next one too
  std::atomic<int64_t> next{0};
  std::atomic<int> busy{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;

  int64_t claim() { return next.fetch_add(1, std::memory_order_relaxed); }

  void work(int worker) {
    for (int64_t task = claim(); task < tasks;) {
      const int64_t claimed = task < settled ? claim() : -1;
      try {
        (*body)(task, claimed < tasks ? claimed : -1, worker);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
        next.store(tasks, std::memory_order_relaxed);
        return;
      }
      task = claimed >= 0 ? claimed : claim();
    }
  }

  uint64_t wait_for_loop(uint64_t seen) {
    for (int spin = 0; spin < kSpins; ++spin) {
      const uint64_t now = generation.load(std::memory_order_acquire);
      if (now != seen) return now;
      pause();
    }
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return generation.load(std::memory_order_acquire) != seen; });
    return generation.load(std::memory_order_acquire);
  }

  void run_worker(int worker) {
    uint64_t seen = 0;
    for (;;) {
      seen = wait_for_loop(seen);
      if (stop.load(std::memory_order_acquire)) return;
      work(worker);
      busy.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  void join() {
    stop.store(true, std::memory_order_release);
    announce();
    for (std::thread& worker : workers) worker.join();
  }

  void announce() {
    {
      const std::lock_guard lock(mutex);
      generation.fetch_add(1, std::memory_order_acq_rel);
    }
    wake.notify_all();
  }
};

int ThreadPool::available_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int count = threads > 0 ? threads : available_cpus();
  state_->workers.reserve(static_cast<size_t>(count));
  try {
    for (int worker = 1; worker < count; ++worker) {
      state_->workers.emplace_back([this, worker] { state_->run_worker(worker); });
    }
  } catch (const std::system_error& error) {
    state_->join();
    throw Error(ErrorCode::kIo, {fmt::format("starting {} threads", count), error.what(),
                                 "as many as the system allows", "use fewer with --threads"});
  }
}

ThreadPool::~ThreadPool() { state_->join(); }

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::parallel_for(int64_t tasks, const std::function<void(int64_t, int)>& body) {
  run(tasks, false, [&](int64_t task, int64_t, int worker) { body(task, worker); });
}

void ThreadPool::parallel_for_ahead(int64_t tasks, const Body& body) { run(tasks, true, body); }

void ThreadPool::run(int64_t tasks, bool claim_ahead, const Body& body) {
  if (tasks <= 0) return;
  State& state = *state_;
  if (tasks == 1 || state.workers.empty()) {
    for (int64_t task = 0; task < tasks; ++task) body(task, task + 1 < tasks ? task + 1 : -1, 0);
    return;
  }
  state.body = &body;
  state.tasks = tasks;
  // Near the end nobody holds a second task while another worker has none.
  state.settled = claim_ahead ? tasks - 2 * threads() : 0;
  state.next.store(0, std::memory_order_relaxed);
  state.failed.store(false, std::memory_order_relaxed);
  state.error = nullptr;
  state.busy.store(static_cast<int>(state.workers.size()), std::memory_order_relaxed);
  state.announce();
  state.work(0);
  for (int spin = 0; state.busy.load(std::memory_order_acquire) != 0; ++spin) {
    if (spin < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  if (state.error) std::rethrow_exception(state.error);
}

}  // namespace expertoire
