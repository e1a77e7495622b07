// Texts to the parts of their embeddings, each computed once.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "embed/embedder.h"
#include "eval/vector_cache.h"

namespace expertoire {

struct EmbedTextsOptions {
  int64_t batch_tokens = 2048;
  VectorCache* cache = nullptr;  ///< null: nothing is kept
  /// What a text's parts depend on besides the text: model, prompt, pooling …
  std::string fingerprint = {};
  ProgressSink progress = [](int64_t, int64_t) {};  ///< in texts; may throw to stop
};

/// Parts of every text, in order: those in the cache are read, the others computed and added to
/// it. Errors: those of Embedder and VectorCache.
std::vector<EmbedParts> embed_texts(Embedder& embedder, const std::vector<std::string>& texts,
                                    const EmbedTextsOptions& options);

}  // namespace expertoire
