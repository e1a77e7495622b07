#include "eval/vector_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "io/mapped_file.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as they lie");

constexpr std::string_view kMagic = "EXPVEC1\n";
constexpr uint64_t kHead = 3 * sizeof(uint32_t);

uint32_t read_u32(std::string_view file, uint64_t offset) {
  uint32_t value = 0;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

uint32_t checksum(std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

template <class T>
void append_bytes(std::string& record, const T* values, size_t count) {
  record.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

void append_u32(std::string& record, size_t value) {
  const auto narrow = static_cast<uint32_t>(value);
  append_bytes(record, &narrow, 1);
}

FileDescriptor open_locked(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644));
  if (!file) system_error("opening " + path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) system_error("locking " + path, errno);
  throw Error(ErrorCode::kInvalidArgument,
              {"opening " + path, "a cache that another process has open", "a cache of one's own",
               "wait for the other process, or name another file with --cache"});
}

}  // namespace

std::optional<VectorCache::Record> VectorCache::record_at(std::string_view file, uint64_t offset) {
  if (file.size() - offset < kHead) return std::nullopt;
  const uint64_t key = read_u32(file, offset);
  const Place place = {offset + kHead + key, read_u32(file, offset + sizeof(uint32_t)),
                       read_u32(file, offset + 2 * sizeof(uint32_t))};
  // three 32-bit numbers: no overflow in 64 bits
  const uint64_t size =
      kHead + key + sizeof(float) * (uint64_t{place.hidden} + uint64_t{place.routing});
  if (file.size() - offset < size + sizeof(uint32_t)) return std::nullopt;
  if (checksum(file.substr(offset, size)) != read_u32(file, offset + size)) return std::nullopt;
  return Record{file.substr(offset + kHead, key), place, offset + size + sizeof(uint32_t)};
}

VectorCache::VectorCache(std::string path) : path_(std::move(path)), file_(open_locked(path_)) {
  index();
  if (::ftruncate(file_.get(), static_cast<off_t>(end_)) != 0) {
    system_error("cutting " + path_, errno);
  }
  if (end_ == 0) {
    write_all_at(file_.get(), kMagic, 0, path_);
    end_ = kMagic.size();
  }
}

void VectorCache::index() {
  const MappedFile mapped = MappedFile::open(path_);
  const std::string_view file(reinterpret_cast<const char*>(mapped.bytes().data()),
                              mapped.bytes().size());
  if (kMagic.starts_with(file.substr(0, kMagic.size())) && file.size() < kMagic.size()) return;
  if (!file.starts_with(kMagic)) {
    bad_file(path_, "another kind of file", "a cache of vectors, or a new file",
             "name another file with --cache");
  }
  end_ = kMagic.size();
  while (const auto record = record_at(file, end_)) {
    places_.emplace(record->key, record->place);
    end_ = record->end;
  }
}

std::optional<EmbedParts> VectorCache::find(const std::string& key) const {
  const auto found = places_.find(key);
  if (found == places_.end()) return std::nullopt;
  const Place& place = found->second;
  std::vector<float> values(size_t{place.hidden} + place.routing);
  const size_t bytes = values.size() * sizeof(float);
  size_t done = 0;
  while (done < bytes) {
    const ssize_t count = ::pread(file_.get(), reinterpret_cast<char*>(values.data()) + done,
                                  bytes - done, static_cast<off_t>(place.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) system_error("reading " + path_, errno);
    if (count == 0) bad_file(path_, "fewer bytes than before", "a file that nobody else changes");
    done += static_cast<size_t>(count);
  }
  const auto middle = values.begin() + place.hidden;
  return EmbedParts{{values.begin(), middle}, {middle, values.end()}};
}

void VectorCache::add(const std::string& key, const EmbedParts& parts) {
  if (places_.contains(key)) return;
  std::string record;
  append_u32(record, key.size());
  append_u32(record, parts.hidden.size());
  append_u32(record, parts.routing.size());
  record += key;
  append_bytes(record, parts.hidden.data(), parts.hidden.size());
  append_bytes(record, parts.routing.data(), parts.routing.size());
  append_u32(record, checksum(record));
  write_all_at(file_.get(), record, end_, path_);
  places_.emplace(key, Place{end_ + kHead + key.size(), static_cast<uint32_t>(parts.hidden.size()),
                             static_cast<uint32_t>(parts.routing.size())});
  end_ += record.size();
}

}  // namespace expertoire
