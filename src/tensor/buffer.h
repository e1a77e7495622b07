// Owned, aligned memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace expertoire {

/// Zero-filled memory, aligned to at least 64 bytes; large buffers come straight from the system
/// on huge pages where it has them, so that untouched pages cost nothing. Move-only.
class Buffer {
 public:
  Buffer() = default;
  /// Errors: kIo when the system has no such amount of memory.
  explicit Buffer(size_t bytes);
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer();

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Scratch of trivially copyable elements that only ever grows, by a quarter at least: batches of
/// about the same size share it. Contents are lost when it grows.
template <class T>
class Scratch {
 public:
  /// At least `count` elements.
  T* ensure(int64_t count) {
    const size_t bytes = static_cast<size_t>(count) * sizeof(T);
    if (bytes > buffer_.size()) buffer_ = Buffer(std::max(bytes, buffer_.size() / 4 * 5));
    return data();
  }
  T* data() { return reinterpret_cast<T*>(buffer_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(buffer_.data()); }
  size_t bytes() const { return buffer_.size(); }

 private:
  Buffer buffer_;
};

}  // namespace expertoire
