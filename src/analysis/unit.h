// What an expert index counts, and what each is called.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace expertoire {

/// An expert of a layer (of factored routing a joint expert), or a key of one side of factored
/// routing.
enum class UnitKind : uint8_t { kExpert, kLeft, kRight };

struct Unit {
  int layer = 0;  ///< 0-based decoder layer that routed
  UnitKind kind = UnitKind::kExpert;
  int64_t id = 0;  ///< router id; i · n + j of a joint expert; the key

  auto operator<=>(const Unit&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14
};

/// A layer that routes, as an index knows it.
struct IndexedLayer {
  int layer = 0;
  int64_t experts = 0;  ///< E, or n² of factored routing
  int keys = 0;         ///< n of factored routing, else 0
  int heads = 1;        ///< H of factored routing
  int top_k = 0;        ///< experts a token, or keys a head that factored routing aims at

  bool operator==(const IndexedLayer&) const = default;
};

/// The units of all layers in one row: a layer's experts, then its left and its right keys. The
/// number of a unit there is its key in an index.
class UnitTable {
 public:
  explicit UnitTable(std::vector<IndexedLayer> layers);

  const std::vector<IndexedLayer>& layers() const { return layers_; }
  int64_t size() const { return begin_.back(); }
  int64_t number(const Unit& unit) const;
  Unit unit(int64_t number) const;
  /// The layer's entry. Errors: kInvalidArgument when that layer does not route.
  const IndexedLayer& layer(int layer) const;

  /// "3:17", of a joint expert "3:12,401", of keys "3:left:12" and "3:right:401".
  std::string name(const Unit& unit) const;
  /// The reverse. Errors: kInvalidArgument: another form, a layer that does not route, an expert or
  /// key that it lacks.
  Unit parse(std::string_view name) const;

 private:
  size_t place(int layer) const;

  std::vector<IndexedLayer> layers_;
  std::vector<int64_t> begin_;  // [layers + 1]
};

}  // namespace expertoire
