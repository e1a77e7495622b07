#include "io/checkpoint.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "io/json.h"

namespace expertoire {
namespace {

using nlohmann::json;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

[[noreturn]] void refuse(const std::string& path, std::string found, std::string expected) {
  throw Error(ErrorCode::kBadFile, {"reading " + path, std::move(found), std::move(expected),
                                    "fetch the whole checkpoint again"});
}

// tensor → shard, as the index says; shard names are plain file names inside the folder.
std::map<std::string, std::string> read_index(const std::string& path) {
  const json index = read_json_file(path);
  const json map = index.is_object() ? index.value("weight_map", json()) : json();
  if (!map.is_object() || map.empty()) refuse(path, "no weight_map", "tensor names and their files");
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map.items()) {
    if (!shard.is_string()) refuse(path, "a file name that is not text for " + tensor, "a string");
    const std::filesystem::path name = shard.get<std::string>();
    if (name.empty() || name.is_absolute() || name.filename() != name || name == "..") {
      refuse(path, fmt::format("the file name {} for {}", shard.dump(), tensor),
             "a file name inside the model's folder");
    }
    shards[tensor] = name.string();
  }
  return shards;
}

}  // namespace

Checkpoint Checkpoint::open(const std::string& folder) {
  namespace fs = std::filesystem;
  Checkpoint checkpoint;
  const std::string single = folder + "/" + kSingle;
  const std::string index = folder + "/" + kIndex;
  if (fs::exists(single)) {
    checkpoint.files_.push_back(SafetensorsFile::open(single));
    for (const auto& entry : checkpoint.files_[0].tensors()) checkpoint.where_[entry.first] = 0;
    return checkpoint;
  }
  if (!fs::exists(index)) {
    throw Error(ErrorCode::kNotFound,
                {"opening the model in " + folder,
                 fmt::format("neither {} nor {}", kSingle, kIndex), "a Hugging Face model folder",
                 "check the path; other weight formats are not read"});
  }
  const std::map<std::string, std::string> shards = read_index(index);
  std::map<std::string, size_t> opened;
  for (const auto& [tensor, shard] : shards) {
    if (!opened.contains(shard)) {
      opened[shard] = checkpoint.files_.size();
      checkpoint.files_.push_back(SafetensorsFile::open(folder + "/" + shard));
    }
    const SafetensorsFile& file = checkpoint.files_[opened[shard]];
    if (!file.tensors().contains(tensor)) {
      refuse(index, fmt::format("tensor {} is not in {}", tensor, shard), "the file it names");
    }
    checkpoint.where_[tensor] = opened[shard];
  }
  for (const SafetensorsFile& file : checkpoint.files_) {
    for (const auto& entry : file.tensors()) {
      if (!checkpoint.where_.contains(entry.first)) {
        refuse(index, fmt::format("tensor {} of {} is not listed", entry.first, file.path()),
               "every tensor of every file");
      }
    }
  }
  return checkpoint;
}

const TensorView& Checkpoint::tensor(const std::string& name) const {
  const auto found = where_.find(name);
  if (found == where_.end()) {
    throw Error(ErrorCode::kNotFound, {"reading the checkpoint", "no tensor " + name, "", ""});
  }
  return files_[found->second].tensor(name);
}

void Checkpoint::release(const std::string& name) const {
  files_[where_.at(name)].release(tensor(name));
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  for (const auto& entry : where_) names.push_back(entry.first);
  return names;
}

}  // namespace expertoire
