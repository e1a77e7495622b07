// Texts from a file or from standard input, one at a time.
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace expertoire {

/// Lines of a file, or of standard input for "-". Memory holds one line. A BOM at the front and
/// CR before LF are dropped.
class LineReader {
 public:
  /// Errors: kNotFound, kIo.
  explicit LineReader(const std::string& path);
  /// The next line without its end, or nothing. Errors: kIo, kBadFile for a line longer than 256
  /// MB.
  std::optional<std::string> next();
  /// 1-based number of the line that next() gave last.
  int64_t line() const { return line_; }
  /// Bytes read so far, and of the whole file (0 when unknown): for progress.
  int64_t bytes_read() const { return bytes_; }
  int64_t bytes_total() const { return total_; }

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  int64_t line_ = 0;
  int64_t bytes_ = 0;
  int64_t total_ = 0;
};

/// Whether a file of this name is JSON Lines: .jsonl or .json.
bool names_json_lines(const std::string& path);

/// One text a line: JSON Lines with a field, or plain lines.
class TextSource {
 public:
  /// Lines are JSON when names_json_lines(path), or when it is "-" and the first line that is not
  /// blank begins an object. Errors: as LineReader.
  TextSource(const std::string& path, std::string field);
  /// The next text. Empty lines of a .jsonl are skipped; an empty plain line is an empty text.
  /// Errors: kBadFile naming the line: not UTF-8, not JSON, no such field, not text.
  std::optional<std::string> next();
  const LineReader& lines() const { return lines_; }

 private:
  std::optional<std::string> next_line();
  std::string parse(const std::string& line) const;
  std::string what() const;

  std::string path_;
  std::string field_;
  LineReader lines_;
  enum class Format : uint8_t { kUnknown, kJson, kPlain } format_;
  std::deque<std::string> waiting_;  // lines read to know the format
};

}  // namespace expertoire
