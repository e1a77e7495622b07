// What was scored so far, item by item, in a file that survives the end of the process.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/file_descriptor.h"

namespace expertoire {

/// JSON Lines in `path.partial`, the first {"fingerprint": …}; finish() gives the file its name. A
/// line is in the file as soon as append() returns, so that a killed process loses none; of a line
/// that was cut short nothing is taken.
class ItemLog {
 public:
  /// With `resume` and a partial file: its lines are kept. Errors: kIo, kNotFound;
  /// kInvalidArgument when the partial file was begun with another fingerprint; kBadFile.
  ItemLog(const std::string& path, const nlohmann::json& fingerprint, bool resume);

  /// The file while it has no name of its own.
  const std::string& partial() const { return partial_; }
  /// Lines of the run that is resumed, without the first.
  const std::vector<nlohmann::json>& lines() const { return lines_; }
  void append(const nlohmann::json& line);
  /// Waits until all is on the disk, and renames. Once, as the last call.
  void finish();

 private:
  void read(const std::string& text, const nlohmann::json& fingerprint);

  std::string path_;
  std::string partial_;
  FileDescriptor file_;
  std::vector<nlohmann::json> lines_;
  size_t valid_ = 0;  // bytes of whole lines
};

}  // namespace expertoire
