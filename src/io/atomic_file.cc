#include "io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "io/refuse.h"

namespace expertoire {
namespace {

constexpr size_t kBufferSize = size_t{1} << 18;
constexpr const char* kMark = ".tmp-";  // between a file's name and the number of its writer

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(replaceable_path(path)) {
  const std::string stem = fmt::format("{}{}{}", path_, kMark, ::getpid());
  // The name can be taken by another writer of this process, or by a killed one with our number.
  for (int attempt = 0; !file_; ++attempt) {
    temporary_ = attempt == 0 ? stem : fmt::format("{}-{}", stem, attempt);
    file_ =
        FileDescriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file_ && (errno != EEXIST || attempt == 100)) {
      system_error("writing " + path, errno, "check that its folder exists and is writable");
    }
  }
  buffer_.reserve(kBufferSize);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBufferSize) flush();
  if (bytes.size() >= kBufferSize) {
    write_all(file_.get(), bytes, path_);
  } else {
    buffer_ += bytes;
  }
}

void AtomicFile::flush() {
  write_all(file_.get(), buffer_, path_);
  buffer_.clear();
}

void AtomicFile::settle() {
  flush();
  sync_file(file_.get(), path_);
}

void AtomicFile::commit() {
  settle();
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) system_error("writing " + path_, errno);
  temporary_.clear();
  sync_folder_of(path_);
}

void remove_abandoned(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path file(path);
  const std::string stem = file.filename().string() + kMark;
  std::error_code ignored;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    if (entry->path().filename().string().starts_with(stem)) fs::remove(entry->path(), ignored);
  }
}

void check_writable(const std::string& path) { AtomicFile probe(path); }

void write_file(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace expertoire
