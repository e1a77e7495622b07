// A few documents from everywhere in a corpus.
#pragma once

#include <string>
#include <vector>

#include "analysis/corpus.h"

namespace expertoire {

/// Up to `most` documents, in turn from each label as long as it has more: its first ones. Of each
/// the front of at most `bytes` bytes, whole characters. Reads the corpus to its end. Errors: those
/// of Corpus; kInvalidArgument when it has no document.
std::vector<std::string> even_sample(CorpusOptions options, size_t most, size_t bytes);

}  // namespace expertoire
