// What fuzz targets share: files made of the input, and what a reader may do with them.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace expertoire::fuzz {

/// A promise that the input broke: reported as a crash.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// A reader may refuse its input with an Error that is one readable line; anything else that it
/// throws is a crash.
template <typename Action>
void may_refuse(Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string_view sentence = error.what();
    require(!error.parts().operation.empty(), "an error says what was being done");
    require(!error.parts().found.empty(), "an error says what was found");
    require(first_invalid_utf8(sentence) == sentence.size(), "an error is UTF-8");
    for (const char c : sentence) {
      require(static_cast<uint8_t>(c) >= 0x20 && c != 0x7f, "an error is one line");
    }
    require(sentence.size() < 2000, "an error is short");
  }
}

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Cuts an input that stands for several files at lines of five equals signs.
inline std::vector<std::string_view> parts_of(std::string_view input, size_t count) {
  constexpr std::string_view kLine = "\n=====\n";
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const size_t at = input.find(kLine);
    parts.push_back(input.substr(0, at));
    input = at == std::string_view::npos ? "" : input.substr(at + kLine.size());
  }
  parts.push_back(input);
  return parts;
}

/// A temporary folder, removed at the end; files are rewritten in place. A crash leaves it:
/// scripts/fuzz gives its targets a $TMPDIR in memory that goes with it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "fuzz-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr, "there is a temporary folder");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string path = path_ + "/" + name;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    require(count == static_cast<ssize_t>(bytes.size()), "the input can be written");
    ::close(fd);
    return path;
  }

 private:
  std::string path_;
};

}  // namespace expertoire::fuzz
