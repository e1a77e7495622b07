// Where embeddings go: rows of one length, in order, resumable after a crash.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace expertoire {

struct VectorFile {
  std::string path;  ///< .npy, .jsonl, .f32, or "-": JSON Lines on standard output
  int64_t dim = 0;
  std::string fingerprint;  ///< what makes two runs the same; resuming checks it
  bool resume = false;
};

/// Work goes to PATH.partial, with a journal PATH.partial.json of the rows that are safe on disk;
/// finish() moves it to PATH. A run that resumes continues after those rows and ends with the same
/// bytes as an undisturbed one. A writer that is destroyed unfinished leaves the two files only
/// when there is a journal, so something to resume.
class VectorWriter {
 public:
  virtual ~VectorWriter() = default;
  /// Rows already written by the run that this one resumes.
  virtual int64_t rows() const = 0;
  /// One row of `dim` values. Errors: kIo.
  virtual void append(std::span<const float> row) = 0;
  /// The mark of the checkpoint that this run resumes; "" otherwise.
  virtual const std::string& mark() const = 0;
  /// Makes all rows so far durable. `mark` says what they were made from: the caller compares it
  /// when it resumes. Errors: kIo.
  virtual void checkpoint(const std::string& mark) = 0;
  /// Completes the file. `before_rename`: called once it is whole and safe on disk, and has not its
  /// name yet. Errors: kIo.
  virtual void finish(const std::function<void()>& before_rename = [] {}) = 0;

  /// Errors: kInvalidArgument (unknown ending; the path is there and no file; resuming standard
  /// output; another fingerprint in the journal), kNotFound (no such folder), kIo, kBadFile for a
  /// damaged journal.
  static std::unique_ptr<VectorWriter> open(const VectorFile& file);
};

}  // namespace expertoire
