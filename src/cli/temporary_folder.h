// A folder that is gone with its owner.
#pragma once

#include <string>

namespace expertoire::cli {

class TemporaryFolder {
 public:
  /// Errors: kIo.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace expertoire::cli
