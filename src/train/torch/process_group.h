// Processes that torchrun started, through a process group that Python made.
#pragma once

#include <memory>
#include <string>

#include "train/torch/processes.h"

namespace expertoire::train {

/// The group of this name (`torch.distributed`'s group_name). The PyTorch wheel ships no headers to
/// make a Gloo group in C++, but C++ finds one that exists in this process. Tensors travel on
/// `device` (NCCL takes no others than its own). Errors: kNotFound.
std::unique_ptr<Processes> resolve_processes(const std::string& name, at::Device device);

}  // namespace expertoire::train
