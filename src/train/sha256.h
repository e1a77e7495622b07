// SHA-256 of files and of what is being written.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace expertoire::train {

/// A digest that grows with every piece.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text);
  /// 64 lower-case hex digits of everything added. Once, as the last call.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_of(std::string_view text);

/// Reads the file in pieces. Errors: kNotFound, kIo.
std::string sha256_of_file(const std::string& path);

/// Whether `text` has the form of hex().
bool is_sha256(std::string_view text);

}  // namespace expertoire::train
