// The folder of a run: log.jsonl and the newest checkpoints, step-00000500 and so on.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "io/file_descriptor.h"

namespace expertoire::train {

/// The log of a run, one JSON object a line.
class RunLogWriter {
 public:
  /// Goes on after the first `bytes` bytes, dropping the rest. Errors: kIo, kNotFound.
  RunLogWriter(const std::string& path, int64_t bytes);
  void add(const nlohmann::json& record);
  /// Makes all lines durable and returns their bytes.
  int64_t sync();

 private:
  std::string path_;
  FileDescriptor file_;
  int64_t bytes_ = 0;
};

class RunFolder {
 public:
  /// Makes the folder when it is not there. Errors: kIo, kInvalidArgument (no folder).
  explicit RunFolder(std::string path);

  /// Keeps other processes from writing this run while the object lives. Errors: kIo when one does.
  void claim();
  std::string log_path() const { return path_ + "/log.jsonl"; }
  std::string checkpoint_path(int64_t step) const;
  /// Of the newest checkpoint that is whole.
  std::optional<int64_t> newest() const;
  /// Removes all checkpoints but the newest `keep`, and what killed processes left.
  void prune(int64_t keep) const;

 private:
  std::string path_;
  FileDescriptor lock_;
};

}  // namespace expertoire::train
