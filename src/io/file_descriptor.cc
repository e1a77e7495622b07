#include "io/file_descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "io/refuse.h"

namespace expertoire {
namespace {

[[noreturn]] void refuse_write(const std::string& path, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  const bool closed = error_number == EPIPE;
  system_error("writing " + path, error_number,
               full     ? "free space on the disk, or write to another one"
               : closed ? "the program that reads the output ended before its end"
                        : "");
}

// Calls `write_some(data, size)` until all is written.
template <typename WriteSome>
void write_in_pieces(std::string_view bytes, const std::string& path, WriteSome write_some) {
  while (!bytes.empty()) {
    const ssize_t count = write_some(bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse_write(path, errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

void write_all(int fd, std::string_view bytes, const std::string& path) {
  write_in_pieces(bytes, path,
                  [fd](const char* data, size_t size) { return ::write(fd, data, size); });
}

void write_all_at(int fd, std::string_view bytes, uint64_t offset, const std::string& path) {
  write_in_pieces(bytes, path, [fd, &offset](const char* data, size_t size) {
    const ssize_t count = ::pwrite(fd, data, size, static_cast<off_t>(offset));
    if (count > 0) offset += static_cast<uint64_t>(count);
    return count;
  });
}

void sync_file(int fd, const std::string& path) {
  // EINVAL: pipes and some special files have nothing to sync.
  if (::fsync(fd) != 0 && errno != EINVAL) refuse_write(path, errno);
}

void sync_folder_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? std::string(".") : parent.string();
  const FileDescriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle) refuse_write(folder, errno);
  sync_file(handle.get(), folder);
}

std::string replaceable_path(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return path;
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kInvalidArgument,
                {"writing " + path, "it exists and is not a regular file", "a file name",
                 "name another file"});
  }
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(path, failed);
  return failed ? path : real.string();
}

}  // namespace expertoire
