// Where the reference data lies that is not part of the repository.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace expertoire {

/// EXPERTOIRE_SHARED, or the folder `shared` beside the repository.
inline std::string shared_folder() {
  const char* set = std::getenv("EXPERTOIRE_SHARED");
  return set != nullptr ? set : EXPERTOIRE_SOURCE_DIR "/../shared";
}

inline std::string fixture_folder() { return EXPERTOIRE_SOURCE_DIR "/tests/fixtures"; }

}  // namespace expertoire

/// Skips the test, with the reason, when `path` (below the shared folder) is not there.
#define EXPERTOIRE_NEEDS_SHARED(path)                                       \
  if (!std::filesystem::exists(expertoire::shared_folder() + "/" + (path))) \
  GTEST_SKIP() << "no " << (path) << " in the shared data; set EXPERTOIRE_SHARED to run this"
