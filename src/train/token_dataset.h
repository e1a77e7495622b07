// Token shards as training and evaluation read them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace expertoire::train {

/// One split of a folder that `expertoire-train data` wrote: its shards one after the other, in the
/// order of the manifest, mapped into memory. Cheap to copy; safe to share between threads.
class TokenDataset {
 public:
  /// `split`: "train" | "held_out". Every shard is read once: its size, its SHA-256 and its ids
  /// must be what the manifest says. Errors: kNotFound (the folder, the manifest or a shard), kIo,
  /// kBadFile (a shard that ends early, was changed, or holds an id that the vocabulary lacks; a
  /// wrong manifest), kInvalidArgument (another split).
  static TokenDataset open(const std::filesystem::path& folder, const std::string& split);

  int64_t tokens() const;
  int64_t vocab_size() const;
  /// SHA-256 of manifest.json, so of all that is in the folder: what a resumed run compares.
  const std::string& hash() const;

  /// How many sequences of `length` tokens with their targets there are: floor((tokens() - 1) /
  /// length). Neighbours share one token: the last target of one is the first input of the next.
  int64_t sequences(int64_t length) const;

  /// The n-th sequence (ids.size() = length + 1 ids: inputs and targets, shifted by one) of an
  /// endless order: epoch n / sequences(length), each epoch shuffled by (seed, epoch); the same on
  /// every platform. Errors: kInvalidArgument when there is no sequence of that length.
  void read(uint64_t seed, int64_t n, std::span<int32_t> ids) const;

 private:
  struct Impl;
  explicit TokenDataset(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace expertoire::train
