// Writing a file so that its name holds the old content or the new one, never a part.
#pragma once

#include <string>
#include <string_view>

#include "io/file_descriptor.h"

namespace expertoire {

/// Writes to a temporary file `path.tmp-<pid>` in the same folder; commit() gives it its name. A
/// file that is not committed vanishes with the object.
class AtomicFile {
 public:
  /// Errors: kNotFound (no such folder), kIo, kInvalidArgument (`path` is there and no file).
  explicit AtomicFile(const std::string& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends; small pieces are gathered. Errors: kIo with the reason (disk full …).
  void write(std::string_view bytes);
  /// Flush and fsync, so that commit() has only the name left to give. Errors: kIo.
  void settle();
  /// settle(), rename, fsync of the folder. Errors: kIo. Once, as the last call.
  void commit();

 private:
  void flush();

  std::string path_;
  std::string temporary_;  // empty once committed
  FileDescriptor file_;
  std::string buffer_;
};

/// Errors as AtomicFile's when a file could not be written there. For commands that compute for
/// long before they write.
void check_writable(const std::string& path);

/// Removes the temporary files of `path` that killed processes left; nobody else may be writing it.
void remove_abandoned(const std::string& path);

/// A whole small file at once. Errors: as AtomicFile.
void write_file(const std::string& path, std::string_view content);

}  // namespace expertoire
