// The mean of a text's token embeddings: what a model's vectors are before any layer, a control.
#pragma once

#include <string>
#include <vector>

#include "eval/text_table.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace expertoire {

/// One row of hidden_size values for each text, without a prompt. Errors: kInvalidArgument for a
/// text without tokens, or a token that the model does not have.
TextVectors token_means(const Model& model, const Tokenizer& tokenizer,
                        const std::vector<std::string>& texts);

}  // namespace expertoire
