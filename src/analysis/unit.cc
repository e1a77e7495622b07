#include "analysis/unit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/checked.h"
#include "base/error.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

[[noreturn]] void refuse_name(std::string_view name, std::string expected) {
  throw Error(ErrorCode::kInvalidArgument,
              {fmt::format("reading the expert {}", in_quotes(name)), "", std::move(expected), ""});
}

// The whole of `text` as a number from 0, or -1.
int64_t parse_number(std::string_view text) {
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole && text.front() != '-' ? value : -1;
}

int64_t units_in(const IndexedLayer& layer) { return layer.experts + 2 * int64_t{layer.keys}; }

int64_t check_id(std::string_view name, int64_t id, int64_t count, std::string_view what) {
  if (id < 0 || id >= count) {
    refuse_name(name, fmt::format("{} from 0 to {} in that layer", what, count - 1));
  }
  return id;
}

}  // namespace

UnitTable::UnitTable(std::vector<IndexedLayer> layers) : layers_(std::move(layers)), begin_{0} {
  for (const IndexedLayer& layer : layers_) {
    const int64_t end = begin_.back() + units_in(layer);
    if (end > std::numeric_limits<int32_t>::max()) {
      throw Error(ErrorCode::kUnsupported,
                  {"numbering experts", fmt::format("{} of them", end), "fewer than 2^31", ""});
    }
    begin_.push_back(end);
  }
}

size_t UnitTable::place(int layer) const {
  const auto found = std::ranges::find(layers_, layer, &IndexedLayer::layer);
  if (found == layers_.end()) {
    std::string there;
    for (const IndexedLayer& entry : layers_) there += fmt::format(" {}", entry.layer);
    throw Error(ErrorCode::kInvalidArgument, {"looking for experts", fmt::format("layer {}", layer),
                                              "a layer that routes:" + there, ""});
  }
  return static_cast<size_t>(found - layers_.begin());
}

const IndexedLayer& UnitTable::layer(int layer) const { return layers_[place(layer)]; }

int64_t UnitTable::number(const Unit& unit) const {
  const size_t at = place(unit.layer);
  const IndexedLayer& entry = layers_[at];
  if (unit.kind == UnitKind::kExpert) return begin_[at] + unit.id;
  const int64_t side = unit.kind == UnitKind::kRight ? entry.keys : 0;
  return begin_[at] + entry.experts + side + unit.id;
}

Unit UnitTable::unit(int64_t number) const {
  const auto above = std::ranges::upper_bound(begin_, number);
  const size_t at = static_cast<size_t>(above - begin_.begin()) - 1;
  const IndexedLayer& entry = layers_.at(at);
  int64_t id = number - begin_[at];
  if (id < entry.experts) return {entry.layer, UnitKind::kExpert, id};
  id -= entry.experts;
  if (id < entry.keys) return {entry.layer, UnitKind::kLeft, id};
  return {entry.layer, UnitKind::kRight, id - entry.keys};
}

std::string UnitTable::name(const Unit& unit) const {
  const int keys = layer(unit.layer).keys;
  switch (unit.kind) {
    case UnitKind::kLeft: return fmt::format("{}:left:{}", unit.layer, unit.id);
    case UnitKind::kRight: return fmt::format("{}:right:{}", unit.layer, unit.id);
    default:
      return keys == 0 ? fmt::format("{}:{}", unit.layer, unit.id)
                       : fmt::format("{}:{},{}", unit.layer, unit.id / keys, unit.id % keys);
  }
}

Unit UnitTable::parse(std::string_view name) const {
  constexpr const char* kForms =
      "LAYER:EXPERT, of factored routing LAYER:I,J, LAYER:left:KEY or LAYER:right:KEY";
  const size_t colon = name.find(':');
  const int64_t number = parse_number(name.substr(0, std::min(colon, name.size())));
  if (colon == std::string_view::npos || number < 0 || number > std::numeric_limits<int>::max()) {
    refuse_name(name, kForms);
  }
  const IndexedLayer& entry = layer(static_cast<int>(number));
  std::string_view rest = name.substr(colon + 1);
  for (const auto& [word, kind] :
       {std::pair{"left:", UnitKind::kLeft}, std::pair{"right:", UnitKind::kRight}}) {
    if (!rest.starts_with(word)) continue;
    if (entry.keys == 0) refuse_name(name, "an expert: that layer has no keys");
    rest.remove_prefix(std::string_view(word).size());
    return {entry.layer, kind, check_id(name, parse_number(rest), entry.keys, "a key")};
  }
  const size_t comma = rest.find(',');
  if (entry.keys > 0) {
    if (comma == std::string_view::npos) refuse_name(name, kForms);
    const int64_t i = check_id(name, parse_number(rest.substr(0, comma)), entry.keys, "I");
    const int64_t j = check_id(name, parse_number(rest.substr(comma + 1)), entry.keys, "J");
    return {entry.layer, UnitKind::kExpert, i * entry.keys + j};
  }
  return {entry.layer, UnitKind::kExpert,
          check_id(name, parse_number(rest), entry.experts, "an expert")};
}

}  // namespace expertoire
