#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/file_descriptor.h"
#include "io/refuse.h"

namespace expertoire {

MappedFile MappedFile::open(const std::string& path) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer; it is refused below.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) system_error("opening " + path, errno);
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) system_error("opening " + path, errno);
  if (!S_ISREG(status.st_mode)) {
    bad_file(path, "it is not a regular file", "a file", "name the file itself");
  }
  MappedFile mapped;
  mapped.path_ = path;
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return mapped;  // mmap refuses an empty range
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) system_error("mapping " + path, errno);
  mapped.data_ = static_cast<const std::byte*>(data);
  mapped.size_ = size;
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(size_t offset, size_t size) const {
  if (offset >= size_ || size == 0) return;
  static const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  // Rounded outwards: a page shared with a neighbour is merely read again.
  const size_t begin = offset / page * page;
  const size_t end = offset + std::min(size, size_ - offset);
  ::madvise(const_cast<std::byte*>(data_ + begin), end - begin, MADV_DONTNEED);
}

}  // namespace expertoire
