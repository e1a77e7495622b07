// A file descriptor that closes itself, and the few system calls that writers need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace expertoire {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  /// Takes ownership; a negative number is "none".
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();

  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }

 private:
  int number_ = -1;
};

/// Writes all bytes at the descriptor's position. Errors (kIo, naming `path`): full disk, closed
/// pipe and the like.
void write_all(int fd, std::string_view bytes, const std::string& path);

/// Writes all bytes at `offset`. Errors: as write_all.
void write_all_at(int fd, std::string_view bytes, uint64_t offset, const std::string& path);

/// Waits until the file's bytes are on the disk. Errors: kIo.
void sync_file(int fd, const std::string& path);

/// Makes a rename or a removal in the folder of `path` durable. Errors: kIo.
void sync_folder_of(const std::string& path);

/// The file that `path` leads to through symbolic links, or `path` itself when there is none yet.
/// Errors: kInvalidArgument when it exists and is no regular file, so could not be replaced.
std::string replaceable_path(const std::string& path);

}  // namespace expertoire
