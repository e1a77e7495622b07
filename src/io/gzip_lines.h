// Lines of a file that may be compressed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace expertoire {

/// Lines of a file, decompressed while it is read when its name ends in .gz. Memory holds one line.
class GzipLines {
 public:
  /// Errors: kNotFound, kIo, kBadFile for a .gz that is none.
  explicit GzipLines(const std::string& path);
  ~GzipLines();

  /// The next line with its end ("\n", missing at most on the last one), byte for byte except that
  /// a BOM at the front is dropped; nothing at the end of the file. Errors: kIo, kBadFile:
  /// compressed data that is damaged or ends early, bytes that are not UTF-8, a line over 256 MB.
  std::optional<std::string> next();
  /// 1-based number of the line that next() gave last.
  int64_t line() const { return line_; }
  /// Bytes of the file as it lies on the disk: read so far, and all. For progress.
  int64_t bytes_read() const;
  int64_t bytes_total() const { return total_; }
  const std::string& path() const { return path_; }

 private:
  bool fill();
  void check(const std::string& line) const;

  struct File;
  std::string path_;
  std::unique_ptr<File> file_;
  std::vector<char> piece_;
  size_t begin_ = 0, end_ = 0;  // what of piece_ was not given yet
  int64_t line_ = 0;
  int64_t total_ = 0;
};

}  // namespace expertoire
