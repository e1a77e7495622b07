#include "tensor/buffer.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "base/error.h"

namespace expertoire {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Buffer::Buffer(size_t bytes) {
  if (bytes == 0) return;
  const size_t size = static_cast<size_t>(round_up(static_cast<int64_t>(bytes), kPage));
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(ErrorCode::kIo, {"allocating memory", fmt::format("no room for {} bytes", bytes),
                                 "enough free memory", "use a smaller model or batch"});
  }
  if (size >= kHugePage) ::madvise(memory, size, MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(memory);
  size_ = size;
}

Buffer::~Buffer() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace expertoire
