#include "io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace expertoire {
namespace {

std::string advice_for(int error) {
  if (error == ENOSPC || error == EDQUOT) return "free some space and run again";
  if (error == EACCES || error == EROFS || error == EPERM) return "choose a writable place";
  if (error == ENOENT) return "create the folder first";
  return "";
}

[[noreturn]] void throw_io(const std::string& operation, int error) {
  throw Error(ErrorCode::kIo, {operation, std::strerror(error), "", advice_for(error)});
}

}  // namespace

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.tmp-{}", path_, ::getpid())) {
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) refuse("creating");
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::refuse(const char* operation) const {
  throw_io(fmt::format("{} {}", operation, path_), errno);
}

void AtomicFile::write(const void* data, size_t bytes) { write_all(fd_, data, bytes, path_); }

void AtomicFile::commit() {
  if (::fsync(fd_) != 0) refuse("writing");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) refuse("replacing");
  ::close(fd_);
  fd_ = -1;
  sync_folder_of(path_);
}

void write_file(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void write_all(int fd, const void* data, size_t bytes, const std::string& what) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(fd, from, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_io("writing " + what, errno);
    from += written;
    bytes -= static_cast<size_t>(written);
  }
}

void sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // not every filesystem lets a folder be opened; the file itself is safe
  ::fsync(fd);
  ::close(fd);
}

}  // namespace expertoire
