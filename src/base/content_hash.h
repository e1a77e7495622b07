// A hash that tells contents apart, nothing more.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace expertoire {

/// 64-bit FNV-1a of `bytes`, going on from `hash`.
inline constexpr uint64_t kFnvStart = 0xcbf29ce484222325ULL;
uint64_t fnv1a(std::string_view bytes, uint64_t hash = kFnvStart);
/// In hex, as metadata shows it.
std::string content_hash(std::string_view content);

}  // namespace expertoire
