#include "cli/temporary_folder.h"

#include <unistd.h>

#include <filesystem>

#include "base/error.h"

namespace expertoire::cli {

TemporaryFolder::TemporaryFolder()
    : path_((std::filesystem::temp_directory_path() / "expertoire-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    throw Error(ErrorCode::kIo, {"making a temporary folder", path_, "a folder",
                                 "set TMPDIR to a folder that can be written"});
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace expertoire::cli
