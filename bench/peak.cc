#include "peak.h"

#include <immintrin.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "tensor/buffer.h"

namespace expertoire::bench {
namespace {

constexpr int kAccumulators = 24;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Runs body on `threads` threads that start together; returns the seconds of the slowest.
double together(int threads, const std::function<void(int)>& body) {
  std::atomic<int> ready{0};
  std::vector<double> seconds(static_cast<size_t>(threads));
  std::vector<std::thread> pool;
  for (int i = 0; i < threads; ++i) {
    pool.emplace_back([&, i] {
      ++ready;
      while (ready.load() < threads) _mm_pause();
      const double start = now();
      body(i);
      seconds[static_cast<size_t>(i)] = now() - start;
    });
  }
  double slowest = 0;
  for (int i = 0; i < threads; ++i) {
    pool[static_cast<size_t>(i)].join();
    slowest = seconds[static_cast<size_t>(i)] > slowest ? seconds[static_cast<size_t>(i)] : slowest;
  }
  return slowest;
}

volatile float g_sink;

[[gnu::target("avx512f,avx512bf16")]] void spin_bf16(int64_t rounds) {
  __m512 sum[kAccumulators];
  for (auto& s : sum) s = _mm512_setzero_ps();
  const __m512bh x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3f803f80));
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 24
    for (int i = 0; i < kAccumulators; ++i) sum[i] = _mm512_dpbf16_ps(sum[i], x, x);
  }
  for (auto& s : sum) g_sink = s[0];
}

[[gnu::target("avx2,fma")]] void spin_f32(int64_t rounds) {
  __m256 sum[12];
  for (auto& s : sum) s = _mm256_setzero_ps();
  const __m256 x = _mm256_set1_ps(1.0F);
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) sum[i] = _mm256_fmadd_ps(x, x, sum[i]);
  }
  for (auto& s : sum) g_sink = s[0];
}

}  // namespace

double peak_f32(int threads) {
  constexpr int64_t kRounds = 1 << 20;
  const double seconds = together(threads, [](int) { spin_f32(kRounds); });
  return 2.0 * 8 * 12 * kRounds * threads / seconds;
}

double peak_bf16(int threads) {
  if (__builtin_cpu_supports("avx512bf16") == 0) return peak_f32(threads);
  constexpr int64_t kRounds = 1 << 19;
  const double seconds = together(threads, [](int) { spin_bf16(kRounds); });
  return 2.0 * 32 * kAccumulators * kRounds * threads / seconds;
}

namespace {

[[gnu::target("avx2")]] void read_all(const std::byte* data, size_t bytes) {
  __m256i sum[4];
  for (auto& s : sum) s = _mm256_setzero_si256();
  const auto* at = reinterpret_cast<const __m256i*>(data);
  for (const auto* end = at + bytes / sizeof(__m256i); at != end; at += 8) {
    for (int i = 0; i < 8; ++i)
      sum[i % 4] = _mm256_xor_si256(sum[i % 4], _mm256_load_si256(at + i));
  }
  for (auto& s : sum) g_sink = static_cast<float>(s[0]);
}

}  // namespace

double dram_read_bandwidth(int threads) {
  constexpr size_t kBytes = size_t{512} << 20;
  static std::vector<Buffer> buffers;
  while (buffers.size() < static_cast<size_t>(threads)) {
    buffers.emplace_back(kBytes);
    for (size_t i = 0; i < kBytes; i += 4096) buffers.back().data()[i] = std::byte{1};
  }
  const double seconds =
      together(threads, [](int i) { read_all(buffers[static_cast<size_t>(i)].data(), kBytes); });
  return static_cast<double>(kBytes) * threads / seconds;
}

}  // namespace expertoire::bench
