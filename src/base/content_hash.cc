#include "base/content_hash.h"

#include <fmt/format.h>

namespace expertoire {

uint64_t fnv1a(std::string_view bytes, uint64_t hash) {
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::string content_hash(std::string_view content) {
  return fmt::format("{:016x}", fnv1a(content));
}

}  // namespace expertoire
