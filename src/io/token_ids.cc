#include "io/token_ids.h"

#include <fmt/format.h>

#include <limits>

#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr const char* kExpected = "a list of lists of token ids, such as [[1, 2], [3]]";
constexpr const char* kAdvice = "write one list of whole numbers from 0 for each sequence";

bool is_id(const json& value) {
  return value.is_number_integer() && value >= 0 && value <= std::numeric_limits<int32_t>::max();
}

std::vector<int32_t> read_sequence(const std::string& path, const json& row, size_t index) {
  if (!row.is_array() || row.empty()) {
    bad_file(path, fmt::format("sequence {} is {}, no filled list", index, in_short(row)),
             kExpected, kAdvice);
  }
  std::vector<int32_t> ids;
  ids.reserve(row.size());
  for (const json& id : row) {
    if (!is_id(id)) {
      bad_file(path, fmt::format("the id {} in sequence {}", in_short(id), index), kExpected,
               kAdvice);
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

}  // namespace

std::optional<std::vector<int32_t>> token_ids(const json& value) {
  std::vector<int32_t> ids;
  if (value.is_null()) return ids;
  for (const json& id : value.is_array() ? value : json::array({value})) {
    if (!is_id(id)) return std::nullopt;
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

std::vector<std::vector<int32_t>> read_ids(const std::string& path) {
  const json root = read_json_file(path);
  if (!root.is_array() || root.empty()) {
    bad_file(path, in_short(root) + ", no filled list", kExpected, kAdvice);
  }
  std::vector<std::vector<int32_t>> sequences;
  for (const json& row : root) sequences.push_back(read_sequence(path, row, sequences.size()));
  return sequences;
}

}  // namespace expertoire
