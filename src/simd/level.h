// The levels that can be compiled in; each is src/simd/<level>.cc, with <level>_sparse.cc where
// that grew long.
#pragma once

#include "simd/kernels.h"

namespace expertoire {

namespace scalar {
const KernelTable& table();
}
#if defined(__x86_64__)
namespace avx2 {
/// In avx2_sparse.cc: the products for some rows and some outputs.
void strip_f32(const float* a, int64_t stride, const int32_t* rows, int m, const float* strip,
               int64_t k, float* c);
void strip_bf16(const bf16_t* a, int64_t stride, const int32_t* rows, int m, const bf16_t* strip,
                int64_t k, float* c);
void panel_add_f32(const float* a, const int32_t* rows, int m, const float* panel, int64_t k,
                   float* c);
void panel_add_bf16(const bf16_t* a, const int32_t* rows, int m, const bf16_t* panel, int64_t k,
                    float* c);
const KernelTable& table();
}  // namespace avx2
namespace avx512 {
/// In avx512_sparse.cc: the products for some rows and some outputs.
void strip_f32(const float* a, int64_t stride, const int32_t* rows, int m, const float* strip,
               int64_t k, float* c);
void strip_bf16(const bf16_t* a, int64_t stride, const int32_t* rows, int m, const bf16_t* strip,
                int64_t k, float* c);
void panel_add_f32(const float* a, const int32_t* rows, int m, const float* panel, int64_t k,
                   float* c);
void panel_add_bf16(const bf16_t* a, const int32_t* rows, int m, const bf16_t* panel, int64_t k,
                    float* c);
const KernelTable& table();
}  // namespace avx512
namespace avx512bf16 {
const KernelTable& table();
}
#endif

}  // namespace expertoire
