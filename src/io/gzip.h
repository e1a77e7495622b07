// Compressed content in memory.
#pragma once

#include <string>
#include <string_view>

namespace expertoire {

/// `content` as a .gz file has it, without name and time: the same content gives the same bytes.
std::string gzip(std::string_view content);

}  // namespace expertoire
