// Typed, checked access to the keys of config.json.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

namespace expertoire {

/// Remembers which keys were asked for, so that those that nobody knows can be named. A key that
/// is null counts as absent.
class ConfigReader {
 public:
  ConfigReader(const nlohmann::json& json, std::string what);

  bool has(const std::string& key);
  /// A whole number in [least, most]. Errors: kBadFile.
  int64_t integer(const std::string& key, std::optional<int64_t> otherwise, int64_t least = 1,
                  int64_t most = std::numeric_limits<int32_t>::max());
  double number(const std::string& key, std::optional<double> otherwise);
  double positive(const std::string& key, std::optional<double> otherwise);
  bool boolean(const std::string& key, bool otherwise);
  std::string text(const std::string& key, const std::string& otherwise);
  /// A list, empty when the key is absent. Errors: kBadFile.
  const nlohmann::json& list(const std::string& key);
  /// The value as it is, or null.
  const nlohmann::json& raw(const std::string& key);

  /// Error kUnsupported unless the key is absent or has this value.
  void require(const std::string& key, const nlohmann::json& value);
  /// The key changes nothing here.
  void ignore(const std::string& key) { known_.insert(key); }
  /// Error kUnsupported for the first key that is set and that nobody asked for.
  void refuse_unknown() const;

  [[noreturn]] void bad(const std::string& key, const std::string& expected) const;
  [[noreturn]] void unsupported(const std::string& key, const std::string& expected) const;
  const std::string& what() const { return what_; }

 private:
  const nlohmann::json& json_;
  std::string what_;
  std::set<std::string> known_;
};

}  // namespace expertoire
