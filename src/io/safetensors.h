// The safetensors format: u64 little-endian header length, JSON header, raw data.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/mapped_file.h"
#include "tensor/tensor_view.h"

namespace expertoire {

/// A file opened for reading. Everything is checked before any tensor is handed out: header
/// length, JSON, dtypes, shapes against offsets (overflow included), ranges inside the file,
/// without overlaps or holes.
class SafetensorsFile {
 public:
  /// Errors: kNotFound, kIo, kBadFile (one sentence naming the tensor and what is wrong),
  /// kUnsupported (a dtype of the format that DType does not have).
  static SafetensorsFile open(const std::string& path);

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Errors: kNotFound naming the file.
  const TensorView& tensor(const std::string& name) const;
  /// Lets the system drop this tensor's pages.
  void release(const TensorView& tensor) const;
  const std::string& path() const { return file_.path(); }

 private:
  explicit SafetensorsFile(MappedFile file) : file_(std::move(file)) {}
  MappedFile file_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// One tensor to write; `data` must live until the write is over.
struct NamedTensor {
  std::string name;
  TensorView view;
};

/// Writes a file by temporary file, fsync, rename; on an error nothing is left behind.
/// Errors: kIo, kInvalidArgument (a name twice, sizes that disagree with the shape).
void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace expertoire
