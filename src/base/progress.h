// How long work reports on itself and is stopped. The library calls these; front ends show them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace expertoire {

/// Called from the thread that runs the work, not more often than the work has steps.
/// `done` and `total` in the unit of the work (texts, tokens, bytes); total 0 when unknown.
using ProgressSink = std::function<void(int64_t done, int64_t total)>;

/// A flag that another thread or a signal handler may raise. Work that takes one throws Error
/// kCancelled at its next safe point.
class CancelToken {
 public:
  void cancel() noexcept { flag_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return flag_.load(std::memory_order_relaxed); }
  /// Throws Error kCancelled naming `operation` when cancelled.
  void check(const char* operation) const;

 private:
  std::atomic<bool> flag_{false};
};

}  // namespace expertoire
