#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/checked.h"
#include "base/utf8.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/refuse.h"
#include "io/safetensors.h"

namespace expertoire {
namespace {

[[noreturn]] void refuse(const std::string& path, std::string found, std::string expected) {
  throw Error(ErrorCode::kInvalidArgument,
              {"writing " + path, std::move(found), std::move(expected), ""});
}

std::string json_text(const std::string& path, const std::string& text) {
  if (first_invalid_utf8(text) != text.size()) {
    refuse(path, "the name or metadata " + in_quotes(text), "UTF-8");
  }
  return nlohmann::json(text).dump();
}

void check(const std::string& path, const NamedTensor& tensor) {
  if (tensor.name == "__metadata__") refuse(path, "a tensor named __metadata__", "another name");
  uint64_t extent = 1;
  uint64_t elements = 1;
  for (const int64_t dim : tensor.view.shape) {
    const auto product = dim < 0 ? std::nullopt : checked_mul(extent, std::max<int64_t>(dim, 1));
    if (!product || *product > uint64_t{std::numeric_limits<int64_t>::max()}) {
      refuse(path,
             fmt::format("tensor {} of shape {}", in_quotes(tensor.name),
                         shape_text(tensor.view.shape)),
             "sizes from 0 whose product fits in 63 bits");
    }
    extent = *product;
    elements *= static_cast<uint64_t>(dim);
  }
  if (checked_mul(elements, dtype_size(tensor.view.dtype)) != tensor.view.bytes) {
    refuse(path,
           fmt::format("tensor {} of {} {} with {} bytes", in_quotes(tensor.name),
                       dtype_name(tensor.view.dtype), shape_text(tensor.view.shape),
                       tensor.view.bytes),
           "as many bytes as the shape needs");
  }
}

// Wide types first, then by name, so that every tensor lies aligned to its own type.
std::vector<const NamedTensor*> file_order(const std::string& path,
                                           const std::vector<NamedTensor>& tensors) {
  std::vector<const NamedTensor*> order;
  std::set<std::string_view> names;
  for (const NamedTensor& tensor : tensors) {
    check(path, tensor);
    if (!names.insert(tensor.name).second) {
      refuse(path, "two tensors named " + in_quotes(tensor.name), "each name once");
    }
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    const size_t a_size = dtype_size(a->view.dtype);
    const size_t b_size = dtype_size(b->view.dtype);
    return a_size != b_size ? a_size > b_size : a->name < b->name;
  });
  return order;
}

std::string header_text(const std::string& path, const std::vector<const NamedTensor*>& order,
                        const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> entries;
  if (!metadata.empty()) {
    std::vector<std::string> lines;
    for (const auto& [key, value] : metadata) {
      lines.push_back(json_text(path, key) + ":" + json_text(path, value));
    }
    entries.push_back(fmt::format("\"__metadata__\":{{{}}}", fmt::join(lines, ",")));
  }
  uint64_t offset = 0;
  for (const NamedTensor* tensor : order) {
    entries.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                                  json_text(path, tensor->name), dtype_name(tensor->view.dtype),
                                  fmt::join(tensor->view.shape, ","), offset,
                                  offset + tensor->view.bytes));
    offset += tensor->view.bytes;
  }
  std::string text = fmt::format("{{{}}}", fmt::join(entries, ","));
  text.resize(static_cast<size_t>(round_up(static_cast<int64_t>(text.size()), 8)), ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const auto order = file_order(path, tensors);
  const std::string header = header_text(path, order, metadata);
  std::string length;
  for (size_t i = 0; i < 8; ++i) length += static_cast<char>(uint64_t{header.size()} >> (8 * i));
  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const NamedTensor* tensor : order) {
    file.write({reinterpret_cast<const char*>(tensor->view.data), tensor->view.bytes});
  }
  file.commit();
}

}  // namespace expertoire
