// Normalizers of tokenizer.json.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace expertoire {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual std::string apply(std::string text) const = 0;
};

/// NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip, Sequence. Null for a null component.
/// Errors: kUnsupported for another type, kBadFile.
std::unique_ptr<Normalizer> make_normalizer(const nlohmann::json& component);

}  // namespace expertoire
