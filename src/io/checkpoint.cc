#include "io/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "io/json.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// A plain file name: nothing that leads out of the folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

using ShardOfTensor = std::map<std::string, std::string>;

ShardOfTensor read_index(const std::string& path) {
  const json index = read_json_file(path);
  const auto weight_map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || weight_map == index.end() || !weight_map->is_object()) {
    bad_file(path, "no object \"weight_map\"", "{\"weight_map\": {tensor: file}}");
  }
  ShardOfTensor shard_of;
  for (const auto& [tensor, file] : weight_map->items()) {
    if (!file.is_string()) {
      bad_file(path, fmt::format("tensor {} without a file name", in_quotes(tensor)), "a string");
    }
    const auto& name = file.get_ref<const std::string&>();
    if (!is_plain_name(name)) {
      bad_file(path, fmt::format("tensor {} in the file {}", in_quotes(tensor), in_quotes(name)),
               "the name of a file in the same folder");
    }
    shard_of.emplace(tensor, name);
  }
  return shard_of;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

SafetensorsFile open_shard(const std::string& index, const fs::path& shard) {
  if (!is_there(shard)) {
    bad_file(index, fmt::format("the shard {} is not there", in_quotes(shard.filename().string())),
             "every shard beside the index", "complete the download");
  }
  return SafetensorsFile::open(shard.string());
}

}  // namespace

Checkpoint Checkpoint::open(const std::string& folder) {
  const fs::path base(folder);
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  if (is_there(base / kSingle)) {
    checkpoint.files_.push_back(SafetensorsFile::open((base / kSingle).string()));
    for (const auto& [name, view] : checkpoint.files_[0].tensors()) checkpoint.where_[name] = 0;
    return checkpoint;
  }
  const std::string index = (base / kIndex).string();
  if (!is_there(index)) {
    throw Error(ErrorCode::kNotFound, {"opening the model folder " + folder,
                                       is_there(base) ? "no weights in it" : "no such folder",
                                       fmt::format("{} or {}", kSingle, kIndex), "check the path"});
  }
  const ShardOfTensor shard_of = read_index(index);
  std::map<std::string, size_t> number_of;  // shard → index in files_
  for (const auto& [tensor, shard] : shard_of) {
    const auto [at, added] = number_of.try_emplace(shard, checkpoint.files_.size());
    if (added) checkpoint.files_.push_back(open_shard(index, base / shard));
    if (!checkpoint.files_[at->second].tensors().contains(tensor)) {
      bad_file(index, fmt::format("tensor {} is not in {}", in_quotes(tensor), in_quotes(shard)),
               "each tensor in the shard that the index names", "download the model again");
    }
    checkpoint.where_[tensor] = at->second;
  }
  checkpoint.refuse_unlisted(index);
  return checkpoint;
}

void Checkpoint::refuse_unlisted(const std::string& index) const {
  for (size_t number = 0; number < files_.size(); ++number) {
    for (const auto& [name, view] : files_[number].tensors()) {
      const auto found = where_.find(name);
      if (found != where_.end() && found->second == number) continue;
      bad_file(index,
               fmt::format("tensor {} in {}, where the index does not list it", in_quotes(name),
                           in_quotes(fs::path(files_[number].path()).filename().string())),
               "every tensor of the shards in the index", "download the model again");
    }
  }
}

const TensorView& Checkpoint::tensor(const std::string& name) const {
  return files_[file_of(name)].tensor(name);
}

void Checkpoint::release(const std::string& name) const {
  const SafetensorsFile& file = files_[file_of(name)];
  file.release(file.tensor(name));
}

size_t Checkpoint::file_of(const std::string& name) const {
  const auto found = where_.find(name);
  if (found == where_.end()) {
    throw Error(ErrorCode::kNotFound,
                {"reading the model folder " + folder_, "no tensor " + in_quotes(name), "", ""});
  }
  return found->second;
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  names.reserve(where_.size());
  for (const auto& [name, number] : where_) names.push_back(name);
  return names;
}

std::string Checkpoint::sample() const {
  constexpr size_t kBytes = 64;
  std::string sample;
  for (const std::string& name : names()) {
    const TensorView& view = tensor(name);
    sample += name + shape_text(view.shape) + std::string(dtype_name(view.dtype));
    for (const size_t at : {size_t{0}, view.bytes / 2}) {
      const size_t count = std::min(kBytes, view.bytes - at);
      sample.append(reinterpret_cast<const char*>(view.data) + at, count);
    }
  }
  return sample;
}

}  // namespace expertoire
