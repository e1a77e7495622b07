#include "eval/embedded_texts.h"

#include <deque>

#include "embed/pipeline.h"
#include "io/refuse.h"

namespace expertoire {
namespace {

// Which of thousands of texts was refused.
void add_text(EmbedPipeline& pipeline, const std::string& text) {
  try {
    pipeline.add(text);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kTooLong) throw;
    Error::Parts parts = error.parts();
    parts.operation = "embedding " + in_quotes(text);
    throw Error(error.code(), std::move(parts));
  }
}

}  // namespace

std::vector<EmbedParts> embed_texts(Embedder& embedder, const std::vector<std::string>& texts,
                                    const EmbedTextsOptions& options) {
  std::vector<EmbedParts> all(texts.size());
  std::deque<size_t> waiting;  // texts on their way, in order
  const auto key = [&](size_t text) { return options.fingerprint + '\n' + texts[text]; };
  EmbedPipeline pipeline(embedder, options.batch_tokens, [&](EmbedParts parts) {
    const size_t text = waiting.front();
    waiting.pop_front();
    if (options.cache != nullptr) options.cache->add(key(text), parts);
    all[text] = std::move(parts);
  });
  for (size_t text = 0; text < texts.size(); ++text) {
    options.progress(static_cast<int64_t>(text), static_cast<int64_t>(texts.size()));
    if (options.cache != nullptr) {
      if (auto parts = options.cache->find(key(text))) {
        all[text] = std::move(*parts);
        continue;
      }
    }
    waiting.push_back(text);
    add_text(pipeline, texts[text]);
  }
  pipeline.flush();
  return all;
}

}  // namespace expertoire
