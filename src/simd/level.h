// The levels that can be compiled in; each is one file, src/simd/<level>.cc.
#pragma once

#include "simd/kernels.h"

namespace expertoire {

namespace scalar {
const KernelTable& table();
}
#if defined(__x86_64__)
namespace avx2 {
const KernelTable& table();
}
namespace avx512 {
const KernelTable& table();
}
namespace avx512bf16 {
const KernelTable& table();
}
#endif

}  // namespace expertoire
