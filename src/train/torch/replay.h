// The training goldens: the same steps from the same weights, to be compared with a reference.
#pragma once

#include <string>

namespace expertoire::train {

/// Reads meta.json (config, optimizer) and train.safetensors (init.*, input_ids [steps, B, L + 1])
/// of `golden` and writes to `out`: grad.* after the first backward pass and before clipping,
/// step1.* and step5.* (weights and BatchNorm statistics), loss.* and grad_norm [steps]. In float64
/// when `in_double`. `dense`: Monet by plain operators instead of the kernels. Errors: kNotFound,
/// kBadFile, kIo.
void replay(const std::string& golden, const std::string& out, bool in_double, bool dense);

}  // namespace expertoire::train
