// Tensors to and from safetensors files.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/safetensors.h"
#include "train/torch/tensor.h"

namespace expertoire::train {

/// A copy on the CPU in the type of the file. Errors: kUnsupported for a type that libtorch lacks.
Tensor tensor_of(const TensorView& view);

using TensorList = std::vector<std::pair<std::string, Tensor>>;

/// Writes tensors from any device, in their own types. Errors: as write_safetensors, kUnsupported
/// for a type that the format lacks.
void write_tensors(const std::string& path, const TensorList& tensors,
                   const std::map<std::string, std::string>& metadata = {});

/// Copies `view` into `to` (any type and device). Errors: kBadFile naming `name` and `path` when
/// the shapes differ.
void load_into(const Tensor& to, const TensorView& view, const std::string& name,
               const std::string& path);

}  // namespace expertoire::train
