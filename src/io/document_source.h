// The documents of a corpus file, and which of them are held out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "io/gzip_lines.h"
#include "io/hold_out.h"

namespace expertoire {

struct Document {
  std::string text;
  std::string licence, label, name;  ///< as DocumentOptions says
  int64_t line = 0;                  ///< where it begins in its file, from 1
  bool held_out = false;
};

struct DocumentOptions {
  std::string field = "text";  ///< of a row of JSON Lines
  /// Of every document; or, as "@name", the field of each row that names it.
  std::string licence, label;
  std::string name;  ///< field of a row that names it; empty: none
  /// Bytes after which a document of a plain text ends, at the end of a line.
  size_t longest_run = size_t{64} << 20;
  HoldOut hold_out;
};

/// Reads .jsonl (a row is a document) and .txt (runs of lines, see HoldOut), also with .gz behind.
/// Memory holds one document: of a plain text at most longest_run and a line.
class DocumentSource {
 public:
  /// Errors: kInvalidArgument (another ending of the name; "@name" for a plain text; a rule that
  /// holds nothing), and those of GzipLines.
  DocumentSource(const std::string& path, DocumentOptions options);

  /// The next document that is not empty; empty rows count for the rule. Errors: as
  /// GzipLines::next, and kBadFile naming the line: not JSON, no such field, not a string.
  std::optional<Document> next();
  const GzipLines& lines() const { return lines_; }

 private:
  std::optional<Document> next_row();
  std::optional<Document> next_run();
  bool line_is_held_out(int64_t characters) const;
  std::string what() const;

  GzipLines lines_;
  DocumentOptions options_;
  bool json_;
  int64_t row_ = 0;                     // of JSON Lines: documents so far
  int64_t position_ = 0;                // of a plain text: characters before `waiting_`
  std::optional<std::string> waiting_;  // the line that begins the next run
};

}  // namespace expertoire
