#include "eval/token_mean.h"

#include "base/error.h"

namespace expertoire {

TextVectors token_means(const Model& model, const Tokenizer& tokenizer,
                        const std::vector<std::string>& texts) {
  TextVectors rows(model.config().hidden_size);
  std::vector<float> token(static_cast<size_t>(rows.dim)), mean(token.size());
  std::vector<double> sum(token.size());
  for (const std::string& text : texts) {
    const std::vector<int32_t> ids = tokenizer.encode(text);
    if (ids.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  {"averaging token embeddings", "a text without tokens", "a text with words",
                   "leave empty texts out"});
    }
    std::fill(sum.begin(), sum.end(), 0.0);
    for (const int32_t id : ids) {
      if (id < 0 || id >= model.config().vocab_size) {
        throw Error(ErrorCode::kInvalidArgument,
                    {"averaging token embeddings", "token " + std::to_string(id),
                     "an id below " + std::to_string(model.config().vocab_size),
                     "use the tokenizer of the model"});
      }
      model.embed(id, token.data());
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += token[i];
    }
    for (size_t i = 0; i < sum.size(); ++i) {
      mean[i] = static_cast<float>(sum[i] / static_cast<double>(ids.size()));
    }
    rows.append(mean);
  }
  return rows;
}

}  // namespace expertoire
