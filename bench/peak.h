// What this machine can do at most, measured in the same process as what is compared with it.
#pragma once

namespace expertoire::bench {

/// Multiply-adds of bf16 pairs (or f32 where the CPU has no bf16) from registers alone, on
/// `threads` threads at once: floating point operations a second.
double peak_bf16(int threads);
double peak_f32(int threads);

/// Streaming reads of memory far larger than the caches: bytes a second.
double dram_read_bandwidth(int threads);

}  // namespace expertoire::bench
