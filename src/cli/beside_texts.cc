#include "cli/beside_texts.h"

#include <filesystem>

#include "base/error.h"

namespace expertoire::cli {

BesideTexts parse_beside(const std::string& argument, const std::string& field) {
  const size_t equals = argument.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == argument.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                {"reading --beside", argument, "NAME=FILE or NAME=FILE:FIELD",
                 "for example mbpp=mbpp.jsonl.gz:code"});
  }
  BesideTexts texts{argument.substr(0, equals), {}};
  std::string file = argument.substr(equals + 1);
  texts.corpus.text_field = field;
  const size_t colon = file.rfind(':');
  if (colon != std::string::npos && !std::filesystem::exists(file)) {
    texts.corpus.text_field = file.substr(colon + 1);
    file.resize(colon);
  }
  texts.corpus.inputs = {file};
  return texts;
}

}  // namespace expertoire::cli
