#include "eval/random_state.h"

#include <bit>

namespace expertoire {

uint32_t RandomState::interval(uint32_t most) {
  if (most == 0) return 0;  // draws nothing
  const uint32_t mask = ~uint32_t{0} >> std::countl_zero(most);
  for (;;) {
    const auto value = static_cast<uint32_t>(generator_()) & mask;
    if (value <= most) return value;
  }
}

double RandomState::uniform() {
  const auto high = static_cast<uint32_t>(generator_()) >> 5;
  const auto low = static_cast<uint32_t>(generator_()) >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

}  // namespace expertoire
