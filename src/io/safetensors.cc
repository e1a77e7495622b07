#include "io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/checked.h"
#include "base/error.h"
#include "io/atomic_file.h"
#include "io/json.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr size_t kPrefix = 8;

[[noreturn]] void refuse(const std::string& path, std::string found, std::string expected) {
  throw Error(ErrorCode::kBadFile, {"reading " + path, std::move(found), std::move(expected),
                                    "the file is damaged or incomplete; fetch it again"});
}

uint64_t little_endian(const std::byte* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

// One tensor's entry of the header, checked against the size of the data.
class EntryReader {
 public:
  EntryReader(const std::string& path, const std::string& name, const json& entry)
      : path_(path), name_(name), entry_(entry) {}

  TensorView read(std::span<const std::byte> data, uint64_t& begin, uint64_t& end) const {
    if (!entry_.is_object()) bad("is not an object", "dtype, shape and data_offsets");
    TensorView view;
    view.dtype = read_dtype();
    const uint64_t bytes = read_shape(view);
    read_offsets(begin, end);
    if (end > data.size()) {
      bad(fmt::format("ends at byte {}", end), fmt::format("at most {} bytes", data.size()));
    }
    if (end - begin != bytes) {
      bad(fmt::format("has {} bytes", end - begin),
          fmt::format("{} by its dtype {} and shape {}", bytes, dtype_name(view.dtype),
                      shape_text(view.shape)));
    }
    view.data = data.data() + begin;
    view.bytes = static_cast<size_t>(bytes);
    return view;
  }

 private:
  [[noreturn]] void bad(const std::string& found, const std::string& expected) const {
    refuse(path_, fmt::format("tensor {} {}", name_, found), expected);
  }

  DType read_dtype() const {
    const json value = entry_.value("dtype", json());
    const std::optional<DType> dtype =
        value.is_string() ? parse_dtype(value.get<std::string>()) : std::nullopt;
    if (!dtype) bad("has dtype " + value.dump(), "F32, BF16, F16 or another of the format's types");
    return *dtype;
  }

  uint64_t read_shape(TensorView& view) const {
    const json shape = entry_.value("shape", json());
    if (!shape.is_array()) bad("has no shape", "a list of sizes");
    std::optional<uint64_t> bytes = dtype_size(view.dtype);
    for (const json& dim : shape) {
      if (!dim.is_number_integer() || dim < 0 || dim > (int64_t{1} << 48)) {
        bad("has a dimension " + dim.dump(), "whole numbers from 0");
      }
      view.shape.push_back(dim.get<int64_t>());
      bytes = checked_mul(*bytes, dim.get<uint64_t>());
      if (!bytes) bad("has a shape that overflows", "a shape that fits in memory");
    }
    return *bytes;
  }

  void read_offsets(uint64_t& begin, uint64_t& end) const {
    const json offsets = entry_.value("data_offsets", json());
    const bool pair = offsets.is_array() && offsets.size() == 2 &&
                      offsets[0].is_number_unsigned() && offsets[1].is_number_unsigned();
    if (!pair) bad("has data_offsets " + offsets.dump(), "two whole numbers from 0");
    begin = offsets[0].get<uint64_t>();
    end = offsets[1].get<uint64_t>();
    if (begin > end) bad(fmt::format("has offsets {} to {}", begin, end), "rising offsets");
  }

  const std::string& path_;
  const std::string& name_;
  const json& entry_;
};

struct Range {
  uint64_t begin;
  uint64_t end;
  std::string name;
};

// The data must be used up exactly: overlaps and holes can hide damage (or something worse).
void check_ranges(const std::string& path, std::vector<Range> ranges, uint64_t size) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t at = 0;
  for (const Range& range : ranges) {
    if (range.begin != at) {
      refuse(path,
             fmt::format("tensor {} begins at byte {}{}", range.name, range.begin,
                         range.begin < at ? ", inside another tensor" : ", after a hole"),
             fmt::format("byte {}", at));
    }
    at = range.end;
  }
  if (at != size) {
    refuse(path, fmt::format("{} bytes after the last tensor", size - at), "none");
  }
}

json read_header(const std::string& path, std::span<const std::byte> bytes) {
  if (bytes.size() < kPrefix) {
    refuse(path, fmt::format("{} bytes", bytes.size()), "at least the 8 bytes of a header length");
  }
  const uint64_t length = little_endian(bytes.data());
  if (length > kMaxHeader || length > bytes.size() - kPrefix) {
    refuse(path, fmt::format("a header of {} bytes in a file of {}", length, bytes.size()),
           fmt::format("at most {} and within the file", kMaxHeader));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kPrefix, length);
  return parse_json(text, path, {.max_depth = 4, .max_bytes = kMaxHeader});
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  SafetensorsFile file(MappedFile::open(path));
  const std::span<const std::byte> bytes = file.file_.bytes();
  const json header = read_header(path, bytes);
  if (!header.is_object()) refuse(path, "a header that is not an object", "an object");
  const std::span<const std::byte> data = bytes.subspan(kPrefix + little_endian(bytes.data()));
  std::vector<Range> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) refuse(path, "metadata that is not text", "strings");
        file.metadata_[key] = value.get<std::string>();
      }
      continue;
    }
    Range range{0, 0, name};
    file.tensors_[name] = EntryReader(path, name, entry).read(data, range.begin, range.end);
    ranges.push_back(std::move(range));
  }
  check_ranges(path, std::move(ranges), data.size());
  return file;
}

const TensorView& SafetensorsFile::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw Error(ErrorCode::kNotFound, {"reading " + path(), "no tensor " + name, "", ""});
  }
  return found->second;
}

void SafetensorsFile::release(const TensorView& tensor) const {
  file_.release(static_cast<size_t>(tensor.data - file_.bytes().data()), tensor.bytes);
}

void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto& [name, view] : tensors) {
    const uint64_t bytes = static_cast<uint64_t>(view.elements()) * dtype_size(view.dtype);
    if (header.contains(name) || bytes != view.bytes) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"writing " + path,
                   fmt::format("tensor {} twice, or with {} bytes for shape {}", name, view.bytes,
                               shape_text(view.shape)),
                   "each name once, sizes as shapes say", ""});
    }
    header[name] = {{"dtype", dtype_name(view.dtype)},
                    {"shape", view.shape},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize(static_cast<size_t>(round_up(static_cast<int64_t>(text.size()), 8)), ' ');
  char prefix[kPrefix];
  for (size_t i = 0; i < kPrefix; ++i) prefix[i] = static_cast<char>(text.size() >> (8 * i));
  AtomicFile file(path);
  file.write(prefix, kPrefix);
  file.write(text);
  for (const NamedTensor& tensor : tensors) file.write(tensor.view.data, tensor.view.bytes);
  file.commit();
}

}  // namespace expertoire
