#include "io/refuse.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/utf8.h"

namespace expertoire {

void bad_file(std::string_view path, std::string found, std::string expected, std::string advice) {
  throw Error(ErrorCode::kBadFile, {fmt::format("reading {}", path), std::move(found),
                                    std::move(expected), std::move(advice)});
}

void system_error(std::string operation, int error_number, std::string advice) {
  const bool absent = error_number == ENOENT || error_number == ENOTDIR;
  throw Error(absent ? ErrorCode::kNotFound : ErrorCode::kIo,
              {std::move(operation), std::strerror(error_number), "", std::move(advice)});
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 100;
  std::string out = "\"";
  size_t offset = 0;
  while (offset < text.size() && out.size() < kLongest) {
    const std::string_view rest = text.substr(offset, 4);
    const size_t good = first_invalid_utf8(rest);
    const auto byte = static_cast<uint8_t>(rest[0]);
    if (good == 0 || byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
      ++offset;
      continue;
    }
    const size_t length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    out += rest.substr(0, length);
    offset += length;
  }
  return out + (offset < text.size() ? "…\"" : "\"");
}

}  // namespace expertoire
