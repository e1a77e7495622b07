// What a computation runs on: the kernels of one SIMD level and the threads of one session.
#pragma once

#include <vector>

#include "base/thread_pool.h"
#include "simd/kernels.h"
#include "tensor/buffer.h"

namespace expertoire {

class Executor {
 public:
  explicit Executor(int threads = 0, const KernelTable& kernels = default_kernels())
      : kernels_(&kernels), pool_(threads), tiles_(static_cast<size_t>(pool_.threads())) {
    for (Buffer& tile : tiles_) tile = Buffer(sizeof(float) * kMaxPanelRows * kPanelWidth);
  }

  const KernelTable& kernels() const { return *kernels_; }
  ThreadPool& pool() { return pool_; }
  /// This worker's C tile: [kMaxPanelRows][kPanelWidth] f32.
  float* tile(int worker) {
    return reinterpret_cast<float*>(tiles_[static_cast<size_t>(worker)].data());
  }

 private:
  const KernelTable* kernels_;
  ThreadPool pool_;
  std::vector<Buffer> tiles_;
};

}  // namespace expertoire
