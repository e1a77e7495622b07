#include "tensor/buffer.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/checked.h"
#include "base/error.h"

namespace expertoire {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;
// Smaller buffers come from the heap: mapping and unmapping each matrix of small experts took a
// quarter of the time of loading olmoe-small.
constexpr size_t kLeastMapped = size_t{128} << 10;

size_t up_to(size_t bytes, size_t unit) {
  return static_cast<size_t>(round_up(static_cast<int64_t>(bytes), static_cast<int64_t>(unit)));
}

std::byte* from_heap(size_t size) {
  void* memory = std::aligned_alloc(kAlignment, size);
  if (memory != nullptr) std::memset(memory, 0, size);
  return static_cast<std::byte*>(memory);
}

std::byte* from_system(size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (size >= kHugePage) ::madvise(memory, size, MADV_HUGEPAGE);
  return static_cast<std::byte*>(memory);
}

}  // namespace

Buffer::Buffer(size_t bytes) {
  if (bytes == 0) return;
  const size_t aligned = up_to(bytes, kAlignment);
  size_ = aligned < kLeastMapped ? aligned : up_to(bytes, kPage);
  data_ = size_ < kLeastMapped ? from_heap(size_) : from_system(size_);
  if (data_ == nullptr) {
    throw Error(ErrorCode::kIo, {"allocating memory", fmt::format("no room for {} bytes", bytes),
                                 "enough free memory", "use a smaller model or batch"});
  }
}

Buffer::~Buffer() {
  if (size_ < kLeastMapped) {
    std::free(data_);
  } else {
    ::munmap(data_, size_);
  }
}

}  // namespace expertoire
