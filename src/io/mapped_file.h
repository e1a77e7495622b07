// A file in memory without reading it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace expertoire {

/// Read-only mapping of a whole regular file; closed when destroyed.
class MappedFile {
 public:
  /// Errors: kNotFound, kIo, kBadFile when it is not a regular file.
  static MappedFile open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Lets the system drop the pages of this range (they stay readable and are read again when
  /// touched). Keeps the resident memory down after weights were packed.
  void release(size_t offset, size_t size) const;

 private:
  MappedFile() = default;
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace expertoire
