#include "io/npy.h"

#include <fmt/format.h>

#include <cstring>
#include <regex>

#include "base/checked.h"
#include "base/error.h"
#include "io/mapped_file.h"

namespace expertoire {
namespace {

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);

[[noreturn]] void refuse(const std::string& path, std::string found, std::string expected) {
  throw Error(ErrorCode::kBadFile, {"reading " + path, std::move(found), std::move(expected), ""});
}

// Value of a key in the header's Python literal, up to the next comma outside parentheses.
std::string field(const std::string& path, const std::string& header, const char* key) {
  std::smatch match;
  const std::regex pattern(fmt::format("'{}': *(\\([^)]*\\)|'[^']*'|True|False)", key));
  if (!std::regex_search(header, match, pattern)) {
    refuse(path, fmt::format("no {} in the header", key), "descr, fortran_order and shape");
  }
  return match[1];
}

}  // namespace

std::string npy_header(int64_t rows, int64_t columns) {
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  const size_t length = kNpyHeaderBytes - kMagic.size() - 2;
  header.resize(length - 1, ' ');
  header.push_back('\n');
  const char size[2] = {static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return std::string(kMagic) + std::string(size, 2) + header;
}

NpyMatrix read_npy(const std::string& path) {
  const MappedFile file = MappedFile::open(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()),
                               file.bytes().size());
  if (bytes.size() < 10 || bytes.substr(0, 8) != kMagic) {
    refuse(path, "no .npy header of version 1.0", "a file written by numpy.save");
  }
  const size_t length =
      static_cast<uint8_t>(bytes[8]) | static_cast<size_t>(static_cast<uint8_t>(bytes[9])) << 8;
  if (length > bytes.size() - 10) refuse(path, "a header longer than the file", "a whole file");
  const std::string header(bytes.substr(10, length));
  if (field(path, header, "descr") != "'<f4'" || field(path, header, "fortran_order") != "False") {
    throw Error(ErrorCode::kUnsupported,
                {"reading " + path, "another type or order", "'<f4' in C order",
                 "save it with numpy.save(path, numpy.ascontiguousarray(a, numpy.float32))"});
  }
  std::smatch match;
  const std::string shape = field(path, header, "shape");
  static const std::regex kShape(R"(\( *(\d{1,15}) *,( *(\d{1,15}) *,?)? *\))");
  if (!std::regex_match(shape, match, kShape)) refuse(path, "shape " + shape, "one or two sizes");
  const uint64_t first = std::stoull(match[1]);
  const bool two = match[3].matched;
  NpyMatrix matrix;
  matrix.rows = static_cast<int64_t>(two ? first : 1);
  matrix.columns = static_cast<int64_t>(two ? std::stoull(match[3]) : first);
  const auto elements =
      checked_mul(static_cast<uint64_t>(matrix.rows), static_cast<uint64_t>(matrix.columns));
  const auto size = elements ? checked_mul(*elements, 4) : std::nullopt;
  if (!size || *size != bytes.size() - 10 - length) {
    refuse(path, fmt::format("{} bytes of data for shape {}", bytes.size() - 10 - length, shape),
           "as many as the shape says");
  }
  matrix.values.resize(static_cast<size_t>(*elements));
  std::memcpy(matrix.values.data(), bytes.data() + 10 + length, static_cast<size_t>(*size));
  return matrix;
}

}  // namespace expertoire
