// The weights of a Hugging Face model folder: model.safetensors, or the shards that
// model.safetensors.index.json names.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/safetensors.h"

namespace expertoire {

class Checkpoint {
 public:
  /// Errors: kNotFound (neither file there), kBadFile: the index names a shard that is missing or
  /// lies outside the folder, a tensor that its shard lacks, or a shard holds one not in the index.
  static Checkpoint open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  bool contains(const std::string& name) const { return where_.contains(name); }
  /// Errors: kNotFound naming the folder.
  const TensorView& tensor(const std::string& name) const;
  void release(const std::string& name) const;
  /// Names, types, shapes and a few bytes of every tensor, as one string: what tells two
  /// checkpoints of one shape apart without reading them.
  std::string sample() const;
  /// All tensor names in sorted order.
  std::vector<std::string> names() const;

 private:
  void refuse_unlisted(const std::string& index) const;
  size_t file_of(const std::string& name) const;

  std::string folder_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, size_t> where_;  // tensor → index in files_
};

}  // namespace expertoire
