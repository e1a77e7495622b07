// Texts of no domain that a study measures beside the domains'.
#pragma once

#include <string>

#include "analysis/corpus.h"

namespace expertoire::cli {

struct BesideTexts {
  std::string name;
  CorpusOptions corpus;
};

/// "NAME=FILE" or "NAME=FILE:FIELD", as mbpp=mbpp.jsonl.gz:code; `field` holds the text where none
/// is named. A file of that whole name goes before a field. Errors: kInvalidArgument.
BesideTexts parse_beside(const std::string& argument, const std::string& field);

}  // namespace expertoire::cli
