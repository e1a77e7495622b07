#include "train/token_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "io/json.h"
#include "io/mapped_file.h"
#include "io/refuse.h"
#include "train/manifest.h"
#include "train/permutation.h"
#include "train/sha256.h"

namespace expertoire::train {
namespace {

constexpr const char* kAdvice = "build the shards again with `expertoire-train data`";

// Byte by byte, so that it is the same on every machine; compilers make one load of it.
int64_t id_at(const std::byte* bytes, int64_t width) {
  uint32_t id = 0;
  for (int64_t i = 0; i < width; ++i) id |= std::to_integer<uint32_t>(bytes[i]) << (8 * i);
  return id;
}

MappedFile open_shard(const std::string& folder, const Shard& shard, int64_t width) {
  const std::string path = folder + "/" + shard.path;
  MappedFile file = MappedFile::open(path);
  const auto size = static_cast<int64_t>(file.bytes().size());
  if (size != shard.tokens * width) {
    bad_file(
        path, fmt::format("{} bytes", size),
        fmt::format("{} ({} tokens of {} bytes)", shard.tokens * width, shard.tokens, width),
        size < shard.tokens * width ? "the shard ends early: copy or build it again" : kAdvice);
  }
  return file;
}

void check_content(const MappedFile& file, const Shard& shard, const Manifest& manifest) {
  Sha256 hash;
  hash.add(file.bytes());
  const std::string found = hash.hex();
  if (found != shard.sha256) {
    bad_file(file.path(), fmt::format("SHA-256 {}", found), shard.sha256, kAdvice);
  }
  const int64_t width = manifest.id_bytes();
  const std::byte* bytes = file.bytes().data();
  for (int64_t i = 0; i < shard.tokens; ++i) {
    const int64_t id = id_at(bytes + i * width, width);
    if (id < manifest.vocab_size) continue;
    bad_file(file.path(), fmt::format("id {} at token {}", id, i),
             fmt::format("ids below the vocabulary's {}", manifest.vocab_size), kAdvice);
  }
}

}  // namespace

struct TokenDataset::Impl {
  std::string hash;
  int64_t vocab_size = 0;
  int64_t width = 0;
  std::vector<MappedFile> shards;
  std::vector<int64_t> starts{0};  // of each shard, in tokens of the whole; the last is the sum

  /// ids.size() tokens from `first` on; all must be there.
  void copy(int64_t first, std::span<int32_t> ids) const {
    auto shard = static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), first) -
                                     starts.begin() - 1);
    while (!ids.empty()) {
      const int64_t count =
          std::min<int64_t>(starts[shard + 1] - first, static_cast<int64_t>(ids.size()));
      const std::byte* bytes = shards[shard].bytes().data() + (first - starts[shard]) * width;
      for (int64_t i = 0; i < count; ++i) {
        ids[static_cast<size_t>(i)] = static_cast<int32_t>(id_at(bytes + i * width, width));
      }
      ids = ids.subspan(static_cast<size_t>(count));
      first += count;
      ++shard;
    }
  }
};

TokenDataset::TokenDataset(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

TokenDataset TokenDataset::open(const std::filesystem::path& folder, const std::string& split) {
  const std::string path = (folder / "manifest.json").string();
  const std::string text = read_text_file(path);
  const Manifest manifest = Manifest::parse(text, path);
  auto impl = std::make_shared<Impl>();
  impl->hash = sha256_of(text);
  impl->vocab_size = manifest.vocab_size;
  impl->width = manifest.id_bytes();
  for (const CorpusFile& file : manifest.files) {
    const Shard& shard = shard_of(file, split);
    impl->shards.push_back(open_shard(folder.string(), shard, impl->width));
    check_content(impl->shards.back(), shard, manifest);
    impl->starts.push_back(impl->starts.back() + shard.tokens);
  }
  return TokenDataset(std::move(impl));
}

int64_t TokenDataset::tokens() const { return impl_->starts.back(); }
int64_t TokenDataset::vocab_size() const { return impl_->vocab_size; }
const std::string& TokenDataset::hash() const { return impl_->hash; }

int64_t TokenDataset::sequences(int64_t length) const {
  return length < 1 || tokens() == 0 ? 0 : (tokens() - 1) / length;
}

void TokenDataset::read(uint64_t seed, int64_t n, std::span<int32_t> ids) const {
  const int64_t length = static_cast<int64_t>(ids.size()) - 1;
  const int64_t count = sequences(length);
  if (n < 0 || count == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading token shards", fmt::format("sequence {} of {} tokens", n, length),
                 fmt::format("one of 0 … of at most {} tokens", tokens() - 1),
                 "take shorter sequences or more text"});
  }
  const uint64_t place = permuted(seed, static_cast<uint64_t>(n / count),
                                  static_cast<uint64_t>(count), static_cast<uint64_t>(n % count));
  impl_->copy(static_cast<int64_t>(place) * length, ids);
}

}  // namespace expertoire::train
