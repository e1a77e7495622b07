#include "tensor/matmul.h"

#include <algorithm>
#include <array>
#include <vector>

namespace expertoire {
namespace {

// Aimed size of a task: about 200 µs of arithmetic, or, when there are few rows, enough bytes of
// weights to make the hand-out (well under 1 µs) negligible.
constexpr int64_t kTaskMultiplyAdds = int64_t{20} << 20;
constexpr int64_t kTaskBytes = int64_t{512} << 10;

struct Task {
  int64_t job;
  int64_t first;
  int count;
  int64_t panel_begin;
  int64_t panel_end;
};

int64_t panels_per_task(const PackedMatrix& matrix, int count) {
  const int64_t work = matrix.depth() * kPanelWidth * count;
  const int64_t by_work = std::max<int64_t>(1, kTaskMultiplyAdds / std::max<int64_t>(1, work));
  const int64_t by_bytes =
      std::max<int64_t>(1, kTaskBytes / std::max<int64_t>(1, matrix.panel_bytes()));
  return std::min(by_work, by_bytes);
}

void cut(int64_t index, const MatmulJob& job, std::vector<Task>& tasks) {
  // Near-equal row blocks: 130 rows are 65 + 65, not 128 + 2.
  const int64_t blocks = ceil_div(job.count, kMaxPanelRows);
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = job.count * block / blocks;
    const int count = static_cast<int>(job.count * (block + 1) / blocks - first);
    const int64_t step = panels_per_task(*job.matrix, count);
    for (int64_t panel = 0; panel < job.matrix->panels(); panel += step) {
      tasks.push_back({index, first, count, panel, std::min(panel + step, job.matrix->panels())});
    }
  }
}

template <class T>
void row_pointers(const MatmulJob& job, int64_t first, int count, const T** pointers) {
  for (int i = 0; i < count; ++i) {
    const int64_t row = job.index != nullptr ? job.index[first + i] : first + i;
    pointers[i] = static_cast<const T*>(job.rows.row(row));
  }
}

}  // namespace

const float* panel_product(Executor& executor, const MatmulJob& job, int64_t first, int count,
                           int64_t panel, const std::byte* next, int worker) {
  const KernelTable& kernels = executor.kernels();
  const PackedMatrix& matrix = *job.matrix;
  float* c = executor.tile(worker);
  if (matrix.compute == Compute::kF32) {
    std::array<const float*, kMaxPanelRows> a;
    row_pointers(job, first, count, a.data());
    kernels.panel_f32(a.data(), count, reinterpret_cast<const float*>(matrix.panel(panel)),
                      matrix.depth(), reinterpret_cast<const float*>(next), c);
  } else {
    std::array<const bf16_t*, kMaxPanelRows> a;
    row_pointers(job, first, count, a.data());
    kernels.panel_bf16(a.data(), count, reinterpret_cast<const bf16_t*>(matrix.panel(panel)),
                       matrix.depth(), reinterpret_cast<const bf16_t*>(next), c);
  }
  if (!matrix.bias.empty()) {
    const float* bias = matrix.bias.data() + panel * kPanelWidth;
    for (int i = 0; i < count; ++i) kernels.add(bias, kPanelWidth, c + i * kPanelWidth);
  }
  return c;
}

void matmul(Executor& executor, std::span<const MatmulJob> jobs, const TileSink& sink) {
  std::vector<Task> tasks;
  for (size_t i = 0; i < jobs.size(); ++i) cut(static_cast<int64_t>(i), jobs[i], tasks);
  const auto first_panel = [&](int64_t t) -> const std::byte* {
    if (t < 0) return nullptr;
    const Task& task = tasks[static_cast<size_t>(t)];
    return jobs[static_cast<size_t>(task.job)].matrix->panel(task.panel_begin);
  };
  executor.pool().parallel_for_ahead(
      static_cast<int64_t>(tasks.size()), [&](int64_t t, int64_t ahead, int worker) {
        const Task& task = tasks[static_cast<size_t>(t)];
        const MatmulJob& job = jobs[static_cast<size_t>(task.job)];
        for (int64_t panel = task.panel_begin; panel < task.panel_end; ++panel) {
          const bool last = panel + 1 == task.panel_end;
          const std::byte* next = last ? first_panel(ahead) : job.matrix->panel(panel + 1);
          const float* c =
              panel_product(executor, job, task.first, task.count, panel, next, worker);
          sink({task.job, task.first, task.count, panel, job.matrix->panel_width(panel), c});
        }
      });
}

namespace {

using RowPointers = std::array<float*, kMaxPanelRows>;

RowPointers output_rows(const Tile& tile, float* out, int64_t stride) {
  RowPointers rows;
  for (int i = 0; i < tile.count; ++i) {
    rows[static_cast<size_t>(i)] = out + (tile.first + i) * stride + tile.panel * kPanelWidth;
  }
  return rows;
}

}  // namespace

void matmul_store(Executor& executor, const MatmulJob& job, float* out, int64_t stride) {
  matmul(executor, {&job, 1}, [&](const Tile& tile) {
    const RowPointers rows = output_rows(tile, out, stride);
    executor.kernels().store(tile.c, tile.count, tile.width, rows.data());
  });
}

void matmul_add(Executor& executor, const MatmulJob& job, const Rows& out) {
  matmul(executor, {&job, 1}, [&](const Tile& tile) {
    const RowPointers rows = output_rows(tile, static_cast<float*>(out.row(0)), out.stride);
    executor.kernels().accumulate(tile.c, tile.count, tile.width, nullptr, rows.data());
  });
}

}  // namespace expertoire
