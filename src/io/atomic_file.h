// Files that are whole or not there: a temporary file beside the target, fsync, rename.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace expertoire {

class AtomicFile {
 public:
  /// Errors: kIo when the folder is missing or not writable.
  explicit AtomicFile(std::string path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  /// Removes what was written unless commit() succeeded.
  ~AtomicFile();

  /// Errors: kIo (disk full and the like), naming the target.
  void write(const void* data, size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Makes the content durable and puts it in place of the target.
  void commit();

 private:
  [[noreturn]] void refuse(const char* operation) const;
  std::string path_;
  std::string temporary_;
  int fd_ = -1;
};

/// A whole small file at once. Errors: kIo.
void write_file(const std::string& path, std::string_view content);

/// Writes all bytes to a descriptor. Errors: kIo naming `what`.
void write_all(int fd, const void* data, size_t bytes, const std::string& what);

/// fsyncs the folder that holds `path`, so that a rename in it survives a power cut.
void sync_folder_of(const std::string& path);

}  // namespace expertoire
