#include "model/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "model/rope.h"
#include "tensor/matmul.h"

namespace expertoire {
namespace {

constexpr int64_t kTokenBlock = 16;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// What all steps of one attention call share.
struct Call : AttentionInput {
  Executor& executor;
  AttentionScratch& scratch;
  Compute compute;
  Rows qkv;
  Rows query;
  Rows context;

  const KernelTable& kernels() const { return executor.kernels(); }
};

void to_compute(const KernelTable& kernels, Compute compute, const float* x, int64_t n, void* out) {
  if (compute == Compute::kF32) {
    std::copy_n(x, n, static_cast<float*>(out));
  } else {
    kernels.f32_to_bf16(x, n, static_cast<bf16_t*>(out));
  }
}

// Norms and clipping would turn an overflow into ordinary numbers, so it is looked for here.
void check_finite(const Call& call, float squares) {
  if (std::isfinite(squares)) return;
  throw Error(ErrorCode::kNumeric,
              {fmt::format("running the attention of layer {}", call.layer),
               "a query, key or value is NaN, infinite or too large to square",
               "finite activations", "try --compute f32; the checkpoint may be damaged"});
}

float squares_of(const Call& call, const float* x, int64_t n) {
  return call.kernels().dot(x, x, n);
}

// q/k norm over the whole projected width or per head (OlmoeAttention.forward). Returns Σ x² of
// what was there before.
float norm_heads(const Call& call, const std::vector<float>& weight, int heads, float* x) {
  const int64_t head_dim = call.config.head_dim;
  if (weight.empty()) return squares_of(call, x, heads * head_dim);
  const float eps = call.config.rms_norm_eps;
  if (call.config.qk_norm == QkNorm::kFull) {
    return call.kernels().rms_norm(x, weight.data(), eps, heads * head_dim, x);
  }
  float squares = 0.0F;
  for (int head = 0; head < heads; ++head) {
    float* values = x + head * head_dim;
    squares += call.kernels().rms_norm(values, weight.data(), eps, head_dim, values);
  }
  return squares;
}

// Norms, then clipping, of a token's q, k and v, which stand side by side.
void norm_and_clip(const Call& call, float* q) {
  const ModelConfig& config = call.config;
  if (config.qk_norm == QkNorm::kNone && config.clip_qkv <= 0) return;
  float* k = q + config.q_size();
  float* v = k + config.kv_size();
  check_finite(call, norm_heads(call, call.weights.q_norm, config.num_attention_heads, q) +
                         norm_heads(call, call.weights.k_norm, config.num_key_value_heads, k) +
                         squares_of(call, v, config.kv_size()));
  if (config.clip_qkv <= 0) return;
  const float limit = config.clip_qkv;
  for (float* x = q; x != v + config.kv_size(); ++x) *x = std::clamp(*x, -limit, limit);
}

void rotate_heads(const Call& call, int64_t position, int heads, float* x) {
  for (int head = 0; head < heads; ++head) {
    call.kernels().rope(call.rope.cos(position), call.rope.sin(position), call.rope.half(),
                        x + head * call.config.head_dim);
  }
}

// One token: its q becomes a row of `query`, its k and v go into the cache.
void place_token(const Call& call, const BatchSlice& slice, int64_t row, int worker) {
  const ModelConfig& config = call.config;
  const int64_t position = slice.start + row - slice.first_row;
  float* q = static_cast<float*>(call.qkv.row(row));
  float* k = q + config.q_size();
  norm_and_clip(call, q);
  rotate_heads(call, position, config.num_attention_heads, q);
  rotate_heads(call, position, config.num_key_value_heads, k);
  const float scale = 1.0F / std::sqrt(static_cast<float>(config.head_dim));
  call.kernels().scale(scale, config.q_size(), q);
  to_compute(call.kernels(), call.compute, q, config.q_size(), call.query.row(row));
  AttentionScratch::Worker& mine = call.scratch.workers[static_cast<size_t>(worker)];
  const int64_t element = static_cast<int64_t>(compute_size(call.compute));
  std::byte* key = mine.key_value.ensure(2 * config.kv_size() * element);
  to_compute(call.kernels(), call.compute, k, 2 * config.kv_size(), key);  // v stands behind k
  const std::byte* value = key + config.kv_size() * element;
  for (int head = 0; head < config.num_key_value_heads; ++head) {
    const int64_t at = head * config.head_dim * element;
    slice.cache->write(call.layer, head, position, key + at, value + at);
  }
}

struct PlaceTask {
  const BatchSlice* slice;
  int64_t begin;
  int64_t end;
};

void place(const Call& call, std::span<const BatchSlice> slices) {
  std::vector<PlaceTask> tasks;
  for (const BatchSlice& slice : slices) {
    for (int64_t i = 0; i < slice.count; i += kTokenBlock) {
      tasks.push_back(
          {&slice, slice.first_row + i, slice.first_row + std::min(i + kTokenBlock, slice.count)});
    }
  }
  call.executor.pool().parallel_for(static_cast<int64_t>(tasks.size()), [&](int64_t t, int worker) {
    const PlaceTask& task = tasks[static_cast<size_t>(t)];
    if (task.begin == task.slice->first_row) task.slice->cache->begin_layer(call.layer);
    for (int64_t row = task.begin; row < task.end; ++row) {
      place_token(call, *task.slice, row, worker);
    }
  });
}

// Some query positions of one sequence against one key/value head; the query heads of its group
// together, as many as fit a tile: row r is position first + r / heads, head `head` + r % heads.
struct AttendTask {
  const BatchSlice* slice;
  int64_t first;  // batch row
  int64_t out;    // its row of the result
  int rows;       // positions · heads
  int kv_head;
  int head;
  int heads;
};

// The running softmax of up to 128 rows over blocks of keys.
class BlockAttention {
 public:
  BlockAttention(const Call& call, const AttendTask& task, int worker)
      : call_(call),
        task_(task),
        worker_(worker),
        stride_(round_up(call.config.head_dim, kPanelWidth)) {
    AttentionScratch::Worker& mine = call.scratch.workers[static_cast<size_t>(worker)];
    out_ = mine.out.ensure(kMaxPanelRows * stride_);
    std::fill_n(out_, task.rows * stride_, 0.0F);
    probs_ = mine.probs.ensure(call.compute, kMaxPanelRows, kCacheBlock);
    row_ = mine.row.ensure(kCacheBlock);
    max_.fill(kMinusInfinity);
    sum_.fill(0.0F);
  }

  void run() {
    const int64_t last = position(task_.rows - 1);
    for (int64_t block = 0; block * kCacheBlock <= last; ++block) {
      const int64_t visible = std::min<int64_t>(kCacheBlock, last + 1 - block * kCacheBlock);
      scores(block, round_up(visible, 2));
      values(block, visible);
    }
    for (int r = 0; r < task_.rows; ++r) finish(r);
  }

 private:
  int64_t token(int r) const { return task_.first + r / task_.heads; }
  int64_t position(int r) const { return task_.slice->start + token(r) - task_.slice->first_row; }
  int64_t head(int r) const { return task_.head + r % task_.heads; }

  template <class T>
  const float* product(const std::array<const T*, kMaxPanelRows>& a, const std::byte* panel,
                       int64_t depth) {
    float* c = call_.executor.tile(worker_);
    if constexpr (std::is_same_v<T, float>) {
      call_.kernels().panel_f32(a.data(), task_.rows, reinterpret_cast<const float*>(panel), depth,
                                nullptr, c);
    } else {
      call_.kernels().panel_bf16(a.data(), task_.rows, reinterpret_cast<const bf16_t*>(panel),
                                 depth, nullptr, c);
    }
    return c;
  }

  template <class T>
  const float* query_product(const std::byte* panel) {
    std::array<const T*, kMaxPanelRows> a;
    for (int r = 0; r < task_.rows; ++r) {
      a[static_cast<size_t>(r)] =
          static_cast<const T*>(call_.query.row(token(r))) + head(r) * call_.config.head_dim;
    }
    return product<T>(a, panel, call_.config.head_dim);
  }

  template <class T>
  const float* value_product(const std::byte* panel, int64_t depth) {
    std::array<const T*, kMaxPanelRows> a;
    for (int r = 0; r < task_.rows; ++r) {
      a[static_cast<size_t>(r)] = static_cast<const T*>(probs_.row(r));
    }
    return product<T>(a, panel, depth);
  }

  // Fills `width` of probs_ with exp(score − running maximum), 0 where the key lies in the future,
  // and rescales what was summed under the old maximum.
  void scores(int64_t block, int64_t width) {
    const std::byte* panel = task_.slice->cache->key_panel(call_.layer, task_.kv_head, block);
    const float* c =
        call_.compute == Compute::kF32 ? query_product<float>(panel) : query_product<bf16_t>(panel);
    for (int r = 0; r < task_.rows; ++r) {
      const int64_t visible =
          std::clamp<int64_t>(position(r) + 1 - block * kCacheBlock, 0, kCacheBlock);
      std::fill_n(row_ + visible, width - visible, 0.0F);
      if (visible > 0) update(r, c + r * kPanelWidth, visible);
      to_compute(call_.kernels(), call_.compute, row_, width, probs_.row(r));
    }
  }

  void update(int r, const float* score, int64_t visible) {
    const KernelTable& kernels = call_.kernels();
    float& max = max_[static_cast<size_t>(r)];
    float& sum = sum_[static_cast<size_t>(r)];
    const float new_max = std::max(max, kernels.max(score, visible));
    if (new_max != max) {
      float correction = 0.0F;
      kernels.exp_sum(&max, new_max, 1, &correction);
      sum *= correction;
      kernels.scale(correction, stride_, out_ + r * stride_);
      max = new_max;
    }
    sum += kernels.exp_sum(score, max, visible, row_);
  }

  void values(int64_t block, int64_t visible) {
    const int64_t depth = call_.compute == Compute::kF32 ? visible : round_up(visible, 2);
    std::array<float*, kMaxPanelRows> rows;
    for (int64_t part = 0; part * kPanelWidth < call_.config.head_dim; ++part) {
      const std::byte* panel =
          task_.slice->cache->value_panel(call_.layer, task_.kv_head, block, part);
      const float* c = call_.compute == Compute::kF32 ? value_product<float>(panel, depth)
                                                      : value_product<bf16_t>(panel, depth);
      for (int r = 0; r < task_.rows; ++r) {
        rows[static_cast<size_t>(r)] = out_ + r * stride_ + part * kPanelWidth;
      }
      call_.kernels().accumulate(c, task_.rows, kPanelWidth, nullptr, rows.data());
    }
  }

  void finish(int r) {
    float* out = out_ + r * stride_;
    const int64_t head_dim = call_.config.head_dim;
    call_.kernels().scale(1.0F / sum_[static_cast<size_t>(r)], head_dim, out);
    const int64_t to = task_.out + r / task_.heads;
    std::byte* row = static_cast<std::byte*>(call_.context.row(to));
    const int64_t at = head(r) * head_dim * static_cast<int64_t>(compute_size(call_.compute));
    to_compute(call_.kernels(), call_.compute, out, head_dim, row + at);
  }

  const Call& call_;
  const AttendTask& task_;
  int worker_;
  int64_t stride_;
  float* out_;
  Rows probs_;
  float* row_;
  std::array<float, kMaxPanelRows> max_;
  std::array<float, kMaxPanelRows> sum_;
};

void attend_blocks(const Call& call, std::span<const BatchSlice> slices) {
  const int group = call.config.num_attention_heads / call.config.num_key_value_heads;
  const int most_heads = std::min(group, kMaxPanelRows);
  const int64_t positions = kMaxPanelRows / most_heads;
  std::vector<AttendTask> tasks;
  int64_t out = 0;
  for (const BatchSlice& slice : slices) {
    const int64_t begin = call.last_rows_only ? slice.count - 1 : 0;
    for (int64_t i = begin; i < slice.count; i += positions) {
      const int count = static_cast<int>(std::min(positions, slice.count - i));
      for (int kv_head = 0; kv_head < call.config.num_key_value_heads; ++kv_head) {
        for (int head = 0; head < group; head += most_heads) {
          const int heads = std::min(most_heads, group - head);
          tasks.push_back({&slice, slice.first_row + i, out, count * heads, kv_head,
                           kv_head * group + head, heads});
        }
      }
      out += count;
    }
  }
  call.executor.pool().parallel_for(static_cast<int64_t>(tasks.size()), [&](int64_t t, int worker) {
    BlockAttention(call, tasks[static_cast<size_t>(t)], worker).run();
  });
}

}  // namespace

RopeTable::RopeTable(const ModelConfig& config)
    : inv_freq_(rope_frequencies(config.rope, config.head_dim)),
      attention_factor_(config.rope.attention_factor),
      half_(config.head_dim / 2) {}

void RopeTable::ensure(int64_t length) {
  const int64_t have = static_cast<int64_t>(cos_.size()) / half_;
  if (length <= have) return;
  cos_.resize(static_cast<size_t>(length * half_));
  sin_.resize(cos_.size());
  for (int64_t position = have; position < length; ++position) {
    rope_angles(inv_freq_, attention_factor_, position, cos_.data() + position * half_,
                sin_.data() + position * half_);
  }
}

void attend(Executor& executor, const AttentionInput& input, AttentionScratch& scratch,
            const Rows& out) {
  const ModelConfig& config = input.config;
  const int64_t tokens = input.slices.back().first_row + input.slices.back().count;
  const int64_t asking = input.last_rows_only ? static_cast<int64_t>(input.slices.size()) : tokens;
  const int64_t width = config.q_size() + 2 * config.kv_size();
  const Compute compute = input.rows.compute;
  scratch.workers.resize(static_cast<size_t>(executor.pool().threads()));
  const Call call{input,
                  executor,
                  scratch,
                  compute,
                  scratch.qkv.ensure(Compute::kF32, tokens, width),
                  scratch.query.ensure(compute, tokens, config.q_size()),
                  scratch.context.ensure(compute, asking, config.q_size())};
  matmul_store(executor, {&input.weights.qkv, input.rows, nullptr, tokens},
               static_cast<float*>(call.qkv.row(0)), call.qkv.stride);
  place(call, input.slices);
  attend_blocks(call, input.slices);
  matmul_add(executor, {&input.weights.o, call.context, nullptr, asking}, out);
}

}  // namespace expertoire
