// Which levels there are, which this CPU has, and which one runs.
#include "simd/kernels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "simd/level.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace expertoire {
namespace {

struct Level {
  const KernelTable& (*table)();
  std::string_view name;
  std::string_view needs;
  bool (*available)();
};

#if defined(__x86_64__)
// clang 14's builtin does not know this one.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

// These builtins also ask the operating system whether it saves the wide registers.
bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && has_f16c();
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0;
}
bool has_avx512bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16") != 0; }
#endif
bool always() { return true; }

// The one list, slowest first.
constexpr std::array kLevels = {
    Level{scalar::table, "scalar", "nothing", always},
#if defined(__x86_64__)
    Level{avx2::table, "avx2", "AVX2, FMA, F16C", has_avx2},
    Level{avx512::table, "avx512", "AVX-512 F, BW, VL, DQ", has_avx512},
    Level{avx512bf16::table, "avx512bf16", "AVX-512 F, BW, VL, DQ, BF16", has_avx512bf16},
#endif
};

}  // namespace

std::vector<const KernelTable*> available_kernels() {
  std::vector<const KernelTable*> tables;
  for (const Level& level : kLevels) {
    if (level.available()) tables.push_back(&level.table());
  }
  return tables;
}

const KernelTable& kernels_by_name(std::string_view name) {
  std::vector<std::string_view> names;
  for (const KernelTable* table : available_kernels()) {
    if (table->name == name) return *table;
    names.push_back(table->name);
  }
  throw Error(ErrorCode::kUnsupported, {"choosing a SIMD level", fmt::format("\"{}\"", name),
                                        fmt::format("one of {}", fmt::join(names, ", ")),
                                        "unset EXPERTOIRE_SIMD to take the best"});
}

const KernelTable& default_kernels() {
  static const KernelTable& chosen = []() -> const KernelTable& {
    const char* forced = std::getenv("EXPERTOIRE_SIMD");
    if (forced != nullptr && *forced != '\0') return kernels_by_name(forced);
    return *available_kernels().back();
  }();
  return chosen;
}

std::vector<KernelLevel> kernel_levels() {
  std::vector<KernelLevel> levels;
  for (const Level& level : kLevels) levels.push_back({level.name, level.needs, level.available()});
  return levels;
}

}  // namespace expertoire
