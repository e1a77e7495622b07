#include "io/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "base/checked.h"
#include "base/error.h"
#include "io/mapped_file.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::string_view kVersion("\x01\x00", 2);
constexpr size_t kPreamble = 10;  // magic, version, u16 length of the header
constexpr const char* kAdvice =
    "save it with numpy.save(path, numpy.ascontiguousarray(a, numpy.float32))";

// The header: a Python dictionary of strings, truth values and tuples of whole numbers.
class Header {
 public:
  Header(const std::string& path, std::string_view text) : path_(path), rest_(text) {
    take('{');
    while (!at('}')) {
      const std::string key(literal());
      take(':');
      if (!values_.emplace(key, literal()).second) refuse("the key " + in_quotes(key) + " twice");
      if (!at('}')) take(',');
    }
    take('}');
    skip_space();
    if (!rest_.empty()) refuse("text after the dictionary");
  }

  std::string_view value(const char* key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) refuse(fmt::format("no {}", key));
    return found->second;
  }

 private:
  [[noreturn]] void refuse(const std::string& found) const {
    bad_file(path_, found + " in the header",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (rows, columns), }", kAdvice);
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
  bool at(char c) {
    skip_space();
    return rest_.starts_with(c);
  }
  void take(char c) {
    if (!at(c)) refuse(fmt::format("no '{}' where one belongs", c));
    rest_.remove_prefix(1);
  }

  // A string without its quotes, a tuple with its parentheses, or a word.
  std::string_view literal() {
    skip_space();
    const bool quoted = rest_.starts_with('\'');
    const bool tuple = rest_.starts_with('(');
    const size_t begin = quoted ? 1 : 0;
    const size_t end = quoted  ? rest_.find('\'', 1)
                       : tuple ? rest_.find(')')
                               : rest_.find_first_of(" ,}:");
    if (end == std::string_view::npos || end == 0) refuse("a value without an end");
    const std::string_view text = rest_.substr(begin, end - begin + (tuple ? 1 : 0));
    rest_.remove_prefix(end + (quoted || tuple ? 1 : 0));
    return text;
  }

  const std::string& path_;
  std::string_view rest_;
  std::map<std::string, std::string_view> values_;
};

// The sizes of "(3, 4)", "(3,)" or "()"; nothing when it is no such tuple.
std::optional<std::vector<int64_t>> sizes_of(std::string_view tuple) {
  std::vector<int64_t> sizes;
  std::string_view rest = tuple.substr(1);
  const auto skip_space = [&] {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  };
  for (skip_space(); !rest.starts_with(')'); skip_space()) {
    int64_t size = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
    if (error != std::errc() || size < 0) return std::nullopt;
    sizes.push_back(size);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    skip_space();
    if (!rest.starts_with(',') && !rest.starts_with(')')) return std::nullopt;
    if (rest.starts_with(',')) rest.remove_prefix(1);
  }
  return sizes;
}

void set_shape(const std::string& path, std::string_view shape, size_t bytes, NpyMatrix& matrix) {
  const auto sizes = shape.starts_with('(') ? sizes_of(shape) : std::nullopt;
  const std::string found = "the shape " + in_quotes(shape);
  if (!sizes || sizes->empty() || sizes->size() > 2) {
    bad_file(path, found, "one or two sizes", kAdvice);
  }
  matrix.rows = sizes->size() == 2 ? sizes->front() : 1;
  matrix.columns = sizes->back();
  const auto elements =
      checked_mul(static_cast<uint64_t>(matrix.rows), static_cast<uint64_t>(matrix.columns));
  const auto size = elements ? checked_mul(*elements, sizeof(float)) : std::nullopt;
  if (!size || *size != bytes) {
    bad_file(path, fmt::format("{} bytes of data for {}", bytes, found), "as many as it needs");
  }
  if (matrix.columns == 0 && matrix.rows > 0) bad_file(path, found, "rows of one number or more");
}

void check_finite(const std::string& path, const NpyMatrix& matrix) {
  for (size_t i = 0; i < matrix.values.size(); ++i) {
    if (std::isfinite(matrix.values[i])) continue;
    throw Error(ErrorCode::kNumeric, {"reading " + path,
                                      fmt::format("{} in row {}", matrix.values[i],
                                                  static_cast<int64_t>(i) / matrix.columns),
                                      "finite numbers", "embed the text of that row again"});
  }
}

}  // namespace

std::string npy_header(int64_t rows, int64_t columns) {
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  const size_t length = kNpyHeaderBytes - kPreamble;
  header.resize(length - 1, ' ');
  header.push_back('\n');
  const char size[2] = {static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return std::string(kMagic) + std::string(kVersion) + std::string(size, 2) + header;
}

NpyMatrix read_npy(const std::string& path) {
  const MappedFile file = MappedFile::open(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()),
                               file.bytes().size());
  if (bytes.size() < kPreamble || !bytes.starts_with(kMagic)) {
    bad_file(path, "no .npy header", "a file written by numpy.save", kAdvice);
  }
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.substr(kMagic.size(), 2) != kVersion) {
    throw Error(ErrorCode::kUnsupported,
                {"reading " + path, fmt::format(".npy version {}.{}", byte(6), byte(7)),
                 "version 1.0", kAdvice});
  }
  const size_t length = byte(8) | static_cast<size_t>(byte(9)) << 8;
  const std::string_view rest = bytes.substr(kPreamble);
  if (length > rest.size()) {
    bad_file(path, fmt::format("a header of {} bytes in a file of {}", length, bytes.size()),
             "a header that ends inside the file");
  }
  const Header header(path, rest.substr(0, length));
  const std::string_view type = header.value("descr");
  const std::string_view fortran = header.value("fortran_order");
  if (type != "<f4" || fortran != "False") {
    throw Error(ErrorCode::kUnsupported,
                {"reading " + path,
                 fmt::format("descr {}, fortran_order {}", in_quotes(type), in_quotes(fortran)),
                 "'<f4' in C order", kAdvice});
  }
  const std::string_view data = rest.substr(length);
  NpyMatrix matrix;
  set_shape(path, header.value("shape"), data.size(), matrix);
  matrix.values.resize(data.size() / sizeof(float));
  if (!data.empty()) std::memcpy(matrix.values.data(), data.data(), data.size());
  check_finite(path, matrix);
  return matrix;
}

}  // namespace expertoire
