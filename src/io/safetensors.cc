#include "io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/checked.h"
#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr uint64_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr int kHeaderDepth = 4;                   // {name: {"shape": [dim]}} and one to spare
constexpr std::string_view kMetadataKey = "__metadata__";

// Bytes of a checked header: JSON text, then the data that offsets count from.
struct Sections {
  std::string_view header;
  std::span<const std::byte> data;
};

struct Range {
  uint64_t begin;
  uint64_t end;
  const std::string* name;
};

Sections split(const MappedFile& file) {
  const auto bytes = file.bytes();
  if (bytes.size() < 8) {
    bad_file(file.path(), fmt::format("{} bytes", bytes.size()),
             "a safetensors file: 8 bytes of header length, a header and data");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < 8; ++i) length |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  if (length > kLongestHeader) {
    bad_file(file.path(), fmt::format("a header of {} bytes", length),
             fmt::format("at most {} bytes, the limit of safetensors", kLongestHeader));
  }
  if (length > bytes.size() - 8) {
    bad_file(file.path(), fmt::format("a header of {} bytes in a file of {}", length, bytes.size()),
             "a header that ends inside the file");
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data() + 8);
  const Sections sections = {{text, static_cast<size_t>(length)}, bytes.subspan(8 + length)};
  if (!sections.header.starts_with('{')) {
    bad_file(file.path(), "a header that does not begin with {", "a JSON object");
  }
  return sections;
}

// What is wrong with one tensor's entry.
class Entry {
 public:
  Entry(const std::string& path, const std::string& name, const json& value)
      : path_(path), name_(name), value_(value) {
    if (!value.is_object()) refuse("is no JSON object", "{dtype, shape, data_offsets}");
  }

  TensorView view(std::span<const std::byte> data, Range& range) const {
    TensorView view;
    view.dtype = dtype();
    const uint64_t elements = shape(view.shape);
    const auto bytes = checked_mul(elements, dtype_size(view.dtype));
    const json& offsets = field("data_offsets");
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      refuse("has data_offsets that are no pair of byte positions", "[begin, end]");
    }
    range = {offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>(), &name_};
    if (range.begin > range.end) {
      refuse(fmt::format("ends at byte {} before it begins at {}", range.end, range.begin),
             "offsets in rising order");
    }
    if (range.end > data.size()) {
      refuse(fmt::format("ends at byte {} of {} bytes of data", range.end, data.size()),
             "offsets inside the file");
    }
    if (bytes != range.end - range.begin) {
      refuse(fmt::format("of {} {} has {} bytes", dtype_name(view.dtype), shape_text(view.shape),
                         range.end - range.begin),
             bytes ? fmt::format("{} bytes", *bytes) : "a size that fits in 64 bits");
    }
    view.data = data.data() + range.begin;
    view.bytes = static_cast<size_t>(*bytes);
    return view;
  }

 private:
  [[noreturn]] void refuse(const std::string& found, std::string expected) const {
    bad_file(path_, fmt::format("tensor {} {}", in_quotes(name_), found), std::move(expected));
  }

  const json& field(const char* key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) refuse(fmt::format("has no {}", key), "dtype, shape, data_offsets");
    return *found;
  }

  DType dtype() const {
    // Words of the format that stand for types which we do not read.
    static constexpr std::array<std::string_view, 10> kOthers = {
        "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "F6_E3M2", "U16", "U32", "U64", "C64"};
    const json& word = field("dtype");
    if (!word.is_string()) refuse("has a dtype that is no string", "a word such as \"F32\"");
    const auto& text = word.get_ref<const std::string&>();
    if (const auto dtype = parse_dtype(text)) return *dtype;
    const bool known = std::find(kOthers.begin(), kOthers.end(), text) != kOthers.end();
    if (!known) refuse("has the unknown dtype " + in_quotes(text), "a word such as \"F32\"");
    throw Error(ErrorCode::kUnsupported,
                {"reading " + path_, fmt::format("tensor {} has dtype {}", in_quotes(name_), text),
                 "F32, BF16, F16 or another type that is read here", "convert the file"});
  }

  // Fills `shape` and returns the number of elements.
  uint64_t shape(std::vector<int64_t>& shape) const {
    const json& dims = field("shape");
    if (!dims.is_array()) refuse("has a shape that is no list", "a list of sizes");
    uint64_t elements = 1;
    // The product without zeros must fit too, so that nobody's product of some sizes overflows.
    uint64_t extent = 1;
    for (const json& dim : dims) {
      if (!dim.is_number_unsigned()) {
        refuse(fmt::format("has the size {} in its shape", in_quotes(dim.dump())),
               "whole numbers from 0");
      }
      const auto size = dim.get<uint64_t>();
      const auto product = checked_mul(extent, std::max<uint64_t>(size, 1));
      if (!product || *product > uint64_t{std::numeric_limits<int64_t>::max()}) {
        refuse("has a shape whose product overflows", "fewer than 2^63 elements");
      }
      extent = *product;
      elements *= size;
      shape.push_back(static_cast<int64_t>(size));
    }
    return elements;
  }

  const std::string& path_;
  const std::string& name_;
  const json& value_;
};

std::map<std::string, std::string> read_metadata(const std::string& path, const json& value) {
  std::map<std::string, std::string> metadata;
  if (!value.is_object()) bad_file(path, "a __metadata__ that is no object", "text by name");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      bad_file(path, fmt::format("the metadata {} that is no string", in_quotes(key)), "a string");
    }
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

// The tensors must tile the data: no byte in two of them, none in no tensor.
void check_tiling(const std::string& path, std::vector<Range> ranges, uint64_t data_size) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const Range& range : ranges) {
    if (range.begin < covered) {
      bad_file(path, fmt::format("tensor {} overlaps the one before it", in_quotes(*range.name)),
               "each byte in one tensor");
    }
    if (range.begin > covered) {
      bad_file(path,
               fmt::format("a hole of {} bytes before tensor {}", range.begin - covered,
                           in_quotes(*range.name)),
               "tensors without holes between them");
    }
    covered = range.end;
  }
  if (covered != data_size) {
    bad_file(path, fmt::format("{} bytes after the last tensor", data_size - covered),
             "data that ends with the last tensor");
  }
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  SafetensorsFile file(MappedFile::open(path));
  const Sections sections = split(file.file_);
  const json header =
      parse_json(sections.header, "the header of " + path,
                 {.max_depth = kHeaderDepth, .max_bytes = static_cast<size_t>(kLongestHeader)});
  std::vector<Range> ranges;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) {
      file.metadata_ = read_metadata(path, value);
      continue;
    }
    const auto at = file.tensors_.try_emplace(name).first;
    Range range = {};
    at->second = Entry(path, at->first, value).view(sections.data, range);
    ranges.push_back(range);
  }
  check_tiling(path, std::move(ranges), sections.data.size());
  return file;
}

const TensorView& SafetensorsFile::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw Error(ErrorCode::kNotFound,
                {"reading " + path(), "no tensor " + in_quotes(name), "", ""});
  }
  return found->second;
}

void SafetensorsFile::release(const TensorView& tensor) const {
  if (tensor.bytes == 0) return;
  file_.release(static_cast<size_t>(tensor.data - file_.bytes().data()), tensor.bytes);
}

}  // namespace expertoire
