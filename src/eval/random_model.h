// The control of every claim about what training gave a model.
#pragma once

#include <cstdint>
#include <string>

namespace expertoire {

/// Writes to `folder` (created) a model of the same shape, configuration and tokenizer as the one
/// in `source`, with untrained weights: matrices from N(0, initializer_range²) as Hugging Face
/// initialises them, norms one, biases zero. Same seed, same bits.
/// Errors: those of reading the source; kIo.
void write_random_model(const std::string& source, const std::string& folder, uint64_t seed);

}  // namespace expertoire
