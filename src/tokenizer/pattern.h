// {"String": …} or {"Regex": …} of tokenizer.json.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/regex.h"

namespace expertoire {

class Pattern {
 public:
  /// Errors: kBadFile.
  explicit Pattern(const nlohmann::json& component);
  explicit Pattern(Regex regex) : regex_(std::move(regex)) {}
  std::vector<Match> find_all(std::string_view text) const;
  /// `text` with every match replaced. Errors: kBadFile when it explodes (check_growth).
  std::string replace_all(const std::string& text, const std::string& content) const;

 private:
  std::string literal_;
  std::optional<Regex> regex_;
};

}  // namespace expertoire
