// Compressed files for tests.
#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "support/temp_dir.h"

namespace expertoire::test {

/// Writes `text` compressed and returns the path.
inline std::string write_gzip(const TempDir& folder, const std::string& name,
                              std::string_view text) {
  const std::string path = folder.file(name);
  gzFile file = gzopen(path.c_str(), "wb");
  if (file == nullptr) throw std::runtime_error("cannot write " + path);
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return path;
}

}  // namespace expertoire::test
